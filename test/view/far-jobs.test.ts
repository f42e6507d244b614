import { describe, expect, test } from 'vitest';
import { newRow, placeFrom, rowAfter } from '../../src/boards/model/live.ts';
import { countJobs, holderOf } from '../../src/boards/model/rows.ts';
import { layoutOf, columnsOf as widthsOf } from '../../src/boards/terminal/layout.ts';
import { jobLines } from '../../src/boards/terminal/text-lines.ts';
import { recordText } from '../../src/cli/jobs/job-text.ts';
import { listText } from '../../src/cli/jobs/list-text.ts';
import { footText, headText } from '../../src/cli/jobs/timeline-text.ts';
import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobHome } from '../../src/job/home.ts';
import type { JobRecord } from '../../src/job/record.ts';
import type { JobRow } from '../../src/job/row.ts';
import { standingOf } from '../../src/job/standing.ts';
import { wakeLine, wakeWords } from '../../src/job/wake.ts';
import { wholeJob } from '../../src/operations/common.ts';
import { delegationView } from '../../src/operations/delegation-view.ts';
import { jobLogView } from '../../src/operations/logs.ts';
import { answerSchema } from '../../src/operations/schema.ts';
import { wait, waitSummary } from '../../src/operations/wait.ts';
import { toRow } from '../../src/registry/index-row.ts';
import { attacher } from '../../src/view/attach.ts';
import { awayText, hostWords } from '../../src/view/home.ts';
import { brief, jobView } from '../../src/view/job.ts';
import { signOf } from '../../src/view/marks.ts';
import { attentionStep, nextStep } from '../../src/view/next-step.ts';
import { outsideChange, outsideEvents } from '../../src/view/outside-event.ts';
import { statusSummary } from '../../src/view/summary.ts';
import { Story } from '../job/story.ts';

const HERE: JobHome = { host: 'hostb', state: 'following', online: true, episode: 0 };
const AWAY: JobHome = { ...HERE, online: false, offline_since: '2026-11-30T14:03:00.000Z', episode: 1 };
const LOST: JobHome = { ...AWAY, state: 'lost' };
const ASKED: JobHome = { ...HERE, state: 'asking' };

const SESSION = {
  socket: '/tmp/tmux-0/default',
  session: 'codex',
  window: 0,
  pane: '%3',
  session_created: 1,
};
const own = Story.working({ agent_session: SESSION }).record;
const far = (home: JobHome, more: Partial<JobRecord> = {}): JobRecord => ({ ...own, home, ...more });
const question = (home: JobHome): JobRecord => ({
  ...Story.working().next('question', { detail: 'Which one?' }).record,
  home,
});

describe('a job of this machine', () => {
  test('is shown without a word about machines', () => {
    const texts = [
      ...[statusSummary(own), recordText(own), headText(own), footText(own, 0), listText([toRow(own)])],
      ...[wakeWords(own), JSON.stringify(jobView(own)), JSON.stringify(brief(own))],
    ];
    for (const text of texts) expect(text).not.toMatch(/hostb|\bhome\b|offline|on another|"host_/);
    expect(hostWords(own) ?? awayText(own)).toBeUndefined();
  });
});

describe('a job on another machine', () => {
  test('says where it is, and which paths are paths there', () => {
    const job = far(HERE, { files: ['out.txt'] });
    expect(statusSummary(job)).toBe(`Job ${job.job_id} on hostb is working.`);
    const text = recordText(job);
    expect(text).toContain('host       hostb, online\n');
    expect(text).toContain(`workdir    ${job.workdir} (on hostb)\n`);
    expect(text).toContain('files      out.txt (on hostb)\n');
    expect(headText(job)).toContain(`${job.workdir} (on hostb)`);
    expect(jobView(job)).toMatchObject({ host: 'hostb', home: HERE });
    expect(jobLogView(job, 0)).toMatchObject({
      home: HERE,
      summary: expect.stringContaining(' on hostb is '),
    });
    expect(nextStep(job)).toBe(`mam wait ${job.job_id}`);
  });

  test('has a column in a list, which a list of jobs of this machine has not', () => {
    const [first, second] = listText([toRow(far(HERE)), { ...toRow(own), from: 'hosta' }]).split('\n');
    expect(first?.split('\t').at(-1)).toBe('hostb');
    expect(second?.split('\t').at(-1)).toBe('from hosta');
    expect(listText([toRow(own)]).split('\t')).toHaveLength(6);
  });

  test('its answers have the form that their schemas promise', () => {
    const { brief: form, whole } = {
      brief: answerSchema(wait.answer).shape['jobs'],
      whole: answerSchema(wholeJob),
    };
    expect(form?.parse([brief(far(AWAY))])).toMatchObject([
      { host: 'hostb', home: AWAY, reason: 'host_offline', needs_you: true },
    ]);
    expect(whole.parse({ ...jobView(far(AWAY)), summary: '', next: '' })).toMatchObject({
      ...{ host: 'hostb', home: AWAY, reason: 'host_offline', status: 'working' },
    });
  });

  test('is attached over ssh, in a form that no shell misreads', () => {
    const session = { ...SESSION, session: "o'dd", socket: '/tmp/a b/default', pane: '%3' };
    const job = { job_id: 'one', agent_session: session, home: HERE };
    const hosts = { hostb: { ssh: 'me@hostb.lan' } };
    expect(attacher({ tmuxSocket: '/tmp/default', hosts })(job)).toBe(
      `ssh -t -- me@hostb.lan 'tmux -S '\\''/tmp/a b/default'\\'' attach -t %3'`,
    );
    // Another machine's socket may have the path of the one that this client is in.
    expect(attacher({ tmuxSocket: session.socket, inside: session.socket, hosts })(job)).toMatch(/^ssh /);
    expect(attacher({ tmuxSocket: '/tmp/default', hosts: { hostb: {} } })(job)).toBe(
      'mam attach one # on hostb',
    );
  });
});

describe('a job whose machine is away', () => {
  test('needs someone, and says what it is and what helps', () => {
    const job = far(AWAY);
    expect(standingOf(job)).toMatchObject({ status: 'working', reason: 'host_offline', needs_you: true });
    expect(statusSummary(job)).toMatch(
      /^Job \S+ on hostb is working \(host_offline\)\. hostb has been offline since 2026-11-30 \d\d:03\. The job goes on there if/,
    );
    expect(recordText(job)).toMatch(/^host {7}hostb, offline since 2026-11-30 \d\d:03$/m);
    expect(nextStep(job)).toBe('mam hosts check hostb');
    expect(attentionStep(job, () => 'ssh')).toContain(`\`mam cancel ${job.job_id} --forget\``);
    expect(attentionStep(job, () => 'ssh')).not.toContain('A person can look at its pane');
    expect(wakeLine([job])).toContain('needs you (hostb is offline)');
    expect(waitSummary({ outcome: 'needs_attention', jobs: [job], unseen: [] })).toMatch(
      /on hostb is working \(host_offline\) and needs attention\. hostb has been offline since/,
    );
  });

  test('also if it asks something, which nobody can answer now', () => {
    expect(nextStep(question(AWAY))).toBe('mam hosts check hostb');
    expect(nextStep(question(HERE))).toContain('mam answer');
    expect(jobView(question(AWAY)).reason).toBe('host_offline');
  });

  test('is told outside with its machine', () => {
    const event = Story.working().next('question', { detail: '?' }).journal.at(-1) as RecordedEvent;
    const change = outsideChange('needs_you', event, far(AWAY));
    expect(change).toMatchObject({ host: 'hostb', reason: 'host_offline', next: 'mam hosts check hostb' });
    expect(change.summary).toContain('needs you (hostb is offline)');
    const both = outsideEvents([change, { ...change, job_id: 'other' }]);
    expect(both.jobs?.map(({ host }) => host)).toEqual(['hostb', 'hostb']);
  });
});

describe('a job that its machine has not confirmed', () => {
  test('is not an error, and not to be delegated again', () => {
    const record = far(ASKED, { seq: 0, status: 'queued', phase: 'queued', delivery: [] });
    const result = { record, repeated: false, delivery: [], position: 0, behind: [], warnings: [] };
    const view = delegationView(result, { tmuxSocket: '' });
    expect(view).toMatchObject({ delivery_stage: 'unconfirmed', host: 'hostb', status: 'queued' });
    expect(view.summary).toMatch(/was sent to hostb, which has not confirmed it.*Do not delegate it again/);
    expect(hostWords(record)).toBe('hostb, online, not confirmed');
    expect(awayText({ ...record, home: { ...AWAY, state: 'asking' } })).toMatch(
      /^hostb has not confirmed it and has been offline since /,
    );
  });
});

test('a lost job needs nobody, and there is nothing to wait for', () => {
  const job = far(LOST);
  expect(standingOf(job)).toMatchObject({ status: 'working', reason: 'lost' });
  expect(standingOf(job).needs_you).toBeUndefined();
  expect(statusSummary(job)).toMatch(/\(lost\)\. It is lost: nothing more is expected from hostb\.$/);
  expect(nextStep(job)).toBe(`mam logs ${job.job_id}`);
  expect(hostWords(job)).toBe('hostb, lost');
  expect(signOf(standingOf(job))).toBe('-');
  expect(countJobs([toRow(job), toRow(far(AWAY))])).toEqual({ open: 1, needYou: 1 });
});

test('a job from another machine says whence', () => {
  const job = { ...own, supervisor: { ...own.supervisor, host: 'hosta' } };
  expect(recordText(job)).toContain('from       hosta\n');
  expect(headText(job)).toContain(`${own.supervisor.client} on hosta`);
  expect(holderOf({ ...toRow(own), from: 'hosta' })).toMatch(/, from hosta$/);
});

describe('on a board', () => {
  const event = new Story().journal[0] as RecordedEvent;
  const heard = { ...standingOf(far(HERE)), event };

  test('a new job on another machine is that of the registry of its copy', () => {
    const record = far(HERE, { registry_dir: '/here' });
    expect(newRow({ ...heard, record }, '/here')).toMatchObject({ host: 'hostb', job_id: record.job_id });
    expect(newRow({ ...heard, record }, own.registry_dir)).toBeUndefined();
    expect(rowAfter({ ...toRow(own), from: 'hosta' }, heard)).toMatchObject({ host: 'hostb', from: 'hosta' });
  });

  test('its pane is known once its machine has taken it, and not forgotten after that', () => {
    const { agent_session: at, ...unplaced } = far(HERE, { registry_dir: '/here' });
    const made = newRow({ ...heard, record: unplaced as JobRecord }, '/here') as JobRow;
    expect(made.pane).toBeUndefined();
    const job = { ...own, registry_dir: '/there' };
    const queued = { ...event, type: 'queued', data: { job } } as RecordedEvent;
    const taken = rowAfter(made, { ...heard, event: queued, place: placeFrom({ event: queued }) });
    expect(taken).toMatchObject({ session: at?.session, pane: at?.pane });
    const later = { ...event, type: 'progress' } as RecordedEvent;
    const after = rowAfter(taken, { ...heard, event: later, place: placeFrom({ event: later }) });
    expect(after).toMatchObject({ session: at?.session, pane: at?.pane });
  });

  test('its machine has a column only where there is one, and room for it', () => {
    for (const width of [60, 80, 120]) {
      const [without, together] = [widthsOf(width), widthsOf(width, true)];
      expect(without.host).toBe(0);
      expect(together.host > 0).toBe(width >= 76);
      const more = together.host + together.status - without.status;
      expect(together.words + more).toBe(without.words);
    }
  });

  test('the detail says that the machine is away instead of offering keys that cannot work', () => {
    const { text } = layoutOf({ columns: 80, rows: 24 });
    const lines = jobLines({ jobId: own.job_id, record: question(AWAY), events: [] }, text);
    const asked = lines.filter(({ kind }) => kind === 'ask').map((line) => line.text);
    expect(asked.join(' ')).toMatch(/^hostb has been offline since/);
  });
});
