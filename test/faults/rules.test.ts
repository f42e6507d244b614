import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { apply } from '../../src/job/apply.ts';
import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobRecord } from '../../src/job/record.ts';
import { toRow } from '../../src/registry/index-row.ts';
import { ORDER, Story, timeOf } from '../job/story.ts';
import type { Evidence, JobEvidence, Told } from './evidence.ts';
import { RULES, violations } from './rules/index.ts';

const ID = ORDER.job_id;
const TYPED = `Job ${ID} was delegated to you.`;
const LETTER = `Job ${ID}, for you: The answer to your question "1-2-3": token-825-5959, note 209595vj`;
const AGENT = { socket: '/s', session: 'alpha', window: 0, pane: '%1', session_created: 1 };
const RESULT = 'a long result';
const sha256 = createHash('sha256').update(RESULT).digest('hex');
const begin = Date.parse(timeOf(1));

/** The evidence of a run in which nothing went wrong: one job, reported on, waited for and completed. */
function sound(): Evidence {
  const story = Story.working({
    agent_session: AGENT,
    request_key: 'k',
    timeouts: { timeout_seconds: 60, idle_timeout_seconds: 60 },
  })
    .next('progress', { detail: 'token-1' })
    .next('completed', { detail: 'token-2', result: RESULT });
  const record = { ...story.record };
  const told: Told[] = [
    tell('delegate_job', 1, { job_id: ID, status: 'queued' }, { args: { request_key: 'k' } }),
    tell(
      'publish_event',
      6,
      { accepted: true, recorded: true, seq: 6, status: 'working' },
      { token: 'token-1' },
    ),
    tell('publish_event', 7, { accepted: true, recorded: false }, { token: 'token-2', result: { sha256 } }),
    tell('wait_job', 8, waited(story.journal, record, 5), { args: { cursor: `${ID}:5` } }),
    tell('mam wait', 9, { ...waited(story.journal, record, 7), events: [] }, { code: 0 }),
  ];
  return {
    ...{ mended: begin, rested: begin, patience: 1, tears: 0, restless: [], unretained: [], left: [], told },
    jobs: { [ID]: jobOf(story.journal, record) },
    peers: [{ name: 'alpha', pane: '%1', since: begin, submitted: [{ at: begin, text: TYPED }] }],
    shells: [{ pane: '%2', ran: ['node peer.mjs'], screen: '' }],
  };
}

function jobOf(events: RecordedEvent[], record: JobRecord): JobEvidence {
  const journal = events.map((event) => `\n${JSON.stringify(event)}\n`).join('');
  const row = toRow(record);
  return {
    journal,
    events,
    texts: {},
    folded: record,
    snapshot: record,
    row,
    listed: row,
    status: record,
    retained: record,
    order: TYPED,
  };
}

function waited(events: RecordedEvent[], { job_id, status, reason, late }: JobRecord, after: number) {
  const jobs = [{ job_id, status, reason, late }];
  return {
    outcome: 'final',
    jobs,
    cursor: `${ID}:${events.length}`,
    events: events.filter(({ seq }) => seq > after),
  };
}

function tell(call: string, second: number, answer: Told['answer'], more: Partial<Told> = {}): Told {
  const began = begin + second * 1000;
  return { who: 'lab (1)', call, job: ID, began, ended: began + 1, outcome: 'answer', answer, ...more };
}

/** A job with a different journal. */
function retold(evidence: Evidence, change: (events: RecordedEvent[]) => RecordedEvent[]): void {
  const events = change([...only(evidence).events]);
  const record = events.reduce<JobRecord | undefined>(apply, undefined);
  if (record !== undefined) evidence.jobs[ID] = jobOf(events, record);
}

function only({ jobs }: Evidence): JobEvidence {
  const job = jobs[ID];
  if (job === undefined) throw new Error('no job');
  return job;
}

function call(evidence: Evidence, name: string): Told {
  const found = evidence.told.find((told) => told.call === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

const submit = (evidence: Evidence, text: string): void =>
  void evidence.peers[0]?.submitted.push({ at: begin, text });
const numbered = (events: RecordedEvent[]): RecordedEvent[] =>
  events.map((event, n) => ({ ...event, seq: n + 1 }));
const ofHub = (type: string, seq: number): RecordedEvent => ({
  ...{ seq, event_id: `x${seq}`, job_id: ID, type, source: 'hub', at: timeOf(seq), recorded_at: timeOf(seq) },
});

/** The rules that are tried. */
const tried = new Set<string>();

/** A test that a rule finds what is planted in a sound run, and says so. */
function finds(
  what: string,
  rule: keyof typeof RULES,
  says: string,
  plant: (evidence: Evidence) => void,
): void {
  tried.add(rule);
  test(`${what} is found`, () => {
    const evidence = sound();
    plant(evidence);
    const found = RULES[rule]?.(evidence) ?? [];
    expect(found.join('\n')).toContain(says);
  });
}

finds('a gap in seq', 'journal', 'seq 7 comes after 5', (e) => {
  only(e).journal = only(e).journal.replace(/\n\{"seq":6.*\n/, '');
});
finds('an event twice', 'journal', 'stands there as', (e) => {
  only(e).journal += `\n${JSON.stringify({ ...ofHub('progress', 8), event_id: 'e3' })}\n`;
});
finds('a line that nothing has torn', 'journal', 'cannot be read', (e) => {
  only(e).journal += '\n{"seq":8';
});
finds('an acknowledged event that is gone', 'acknowledged', 'was recorded, and is not in', (e) =>
  retold(e, (events) => numbered(events.filter(({ detail }) => detail !== 'token-1'))),
);
finds('a kept event that is gone', 'acknowledged', 'was kept, and is not in', (e) =>
  retold(e, (events) => events.slice(0, -1)),
);
finds('an acknowledged event twice', 'acknowledged', '2 times', (e) => {
  only(e).events.push({ ...ofHub('progress', 8), source: 'peer', detail: 'token-1' });
});
finds('another seq than was told', 'acknowledged', 'answered with seq 3', (e) => {
  call(e, 'publish_event').answer.seq = 3;
});
finds('a refused event that is there', 'acknowledged', 'was refused, and is in', (e) => {
  call(e, 'publish_event').answer = { accepted: false, recorded: false };
});
finds('half a result', 'acknowledged', 'not whole', (e) =>
  retold(e, (events) => events.map((one) => (one.result === undefined ? one : { ...one, result: 'a long' }))),
);
finds('a job that is gone', 'delegated', 'is not in the registry', (e) => {
  call(e, 'delegate_job').answer.job_id = 'another-job';
});
finds('a job half made', 'delegated', 'half made', (e) => {
  only(e).events = [];
});
finds('one key, two jobs', 'delegated', 'has made two jobs', (e) => {
  e.jobs['another-job'] = only(e);
  e.told.push(tell('delegate_job', 2, { job_id: 'another-job' }, { args: { request_key: 'k' } }));
});
finds('a job.json that is behind', 'agreement', 'job.json says working', (e) => {
  only(e).snapshot = Story.working().record;
});
finds('a list that is behind', 'agreement', 'list_jobs says failed: timeout', (e) => {
  only(e).row = { ...toRow(only(e).folded as JobRecord), status: 'failed', reason: 'timeout' };
});
finds('a job that no list has', 'agreement', 'mam list is missing', (e) => {
  delete only(e).listed;
});
finds('an end that never was', 'told ends', 'which it never was', (e) => {
  call(e, 'publish_event').answer.status = 'cancelled';
});
finds('an end that was taken back', 'told ends', 'after', (e) => {
  e.told.push(tell('job_status', 20, { job_id: ID, status: 'working' }));
});
finds('a job that is denied', 'told ends', 'that there is no job', (e) => {
  e.told.push(
    tell('job_status', 20, undefined, { outcome: 'refused', words: 'There is no job with this id.' }),
  );
});
finds('a job without an end', 'limits', 'with no limit that fires', (e) =>
  retold(e, (events) => events.slice(0, -1)),
);
finds('a limit that fired early', 'limits', 'ms early', (e) =>
  retold(e, (events) => [...events.slice(0, -1), ofHub('timeout', 7)]),
);
finds('a limit that fired late', 'limits', 'ms later', (e) =>
  retold(e, (events) => [...events.slice(0, -1), { ...ofHub('timeout', 7), recorded_at: timeOf(600) }]),
);
finds('a job that does not rest', 'limits', 'did not come to rest', (e) => {
  e.restless.push('3 files in the outbox');
});
finds('an order twice', 'panes', 'typed 2 times', (e) => submit(e, TYPED));
finds('an order behind another text', 'panes', 'not alone', (e) => submit(e, `left over${TYPED}`));
finds('an answer behind another text', 'panes', 'not alone', (e) => submit(e, `left over${LETTER}`));
finds('an answer beside other words', 'panes', 'not alone', (e) => submit(e, LETTER.replace(':', ': and')));
finds('an answer twice', 'panes', 'typed 2 times', (e) => {
  for (const text of [LETTER, LETTER]) submit(e, text);
});
finds('an order in another pane', 'panes', 'is meant for', (e) => {
  e.peers[0] = { name: 'beta', pane: '%9', since: begin, submitted: [{ at: begin, text: TYPED }] };
});
finds('a shell that has run something', 'panes', 'has run: Job', (e) => {
  e.shells[0]?.ran.push('Job x');
});
finds('text in a shell', 'panes', 'typed into the shell', (e) => {
  e.shells = [{ pane: '%2', ran: [], screen: TYPED }];
});
finds('a waiter that missed an event', 'waiters', 'was told of 1 events from 5 to 7', (e) => {
  call(e, 'wait_job').answer.events.pop();
});
finds('a waiter that was not woken', 'waiters', 'that the job still runs', (e) => {
  call(e, 'wait_job').answer.outcome = 'still_running';
});
finds('a wrong exit code', 'waiters', 'ended with 1', (e) => {
  call(e, 'mam wait').code = 1;
});
finds('no answer', 'answered', 'no answer in', (e) => {
  e.told.push(tell('list_jobs', 20, undefined, { outcome: 'lost', words: 'no answer in 40 s' }));
});
finds('a stack', 'answered', 'was told', (e) => {
  e.told.push(
    tell('list_jobs', 20, undefined, { outcome: 'refused', words: 'TypeError: x is not a function' }),
  );
});
finds('a process that is left', 'left', 'process 7', (e) => {
  e.left.push('process 7 is left: tmux');
});

test('a sound run has no violation', () => {
  expect(violations(sound())).toEqual([]);
});

test('the legitimate effects of a fault are no violation', () => {
  const evidence = sound();
  submit(evidence, LETTER);
  // A torn line per crash, a call whose process was killed, our own end that a late report has amended.
  const report: RecordedEvent = {
    ...ofHub('completed', 8),
    source: 'peer',
    detail: 'token-2',
    result: RESULT,
  };
  const timeout = { ...ofHub('timeout', 7), recorded_at: timeOf(70) };
  retold(evidence, (events) => [...events.slice(0, -1), timeout, report]);
  only(evidence).journal += '\n{"seq":9,"ev';
  evidence.tears = 1;
  evidence.told = [
    ...evidence.told.filter(({ call: name }) => !name.includes('wait')),
    tell('publish_event', 9, undefined, {
      outcome: 'lost',
      token: 'token-9',
      words: 'it ended with SIGKILL',
    }),
    tell('job_status', 6.5, { job_id: ID, status: 'failed', reason: 'timeout' }),
  ];
  expect(violations(evidence)).toEqual([]);
});

test('every rule is tried', () => {
  expect(tried).toEqual(new Set(Object.keys(RULES)));
});
