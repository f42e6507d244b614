import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { Json } from '../support/lab-server.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { plant, signed } from '../support/plant.ts';
import { until } from '../support/until.ts';

/** What a hub would have recorded about a planted job. */
function record(lab: Lab, id: string, type: string, detail: string, source = 'peer'): void {
  const seq = lab.events(id).length + 1;
  const at = new Date().toISOString();
  const event = { seq, recorded_at: at, event_id: `${id}-${seq}`, job_id: id, type, source, at, detail };
  appendFileSync(lab.paths(id).journal, signed(lab.home, id, event));
}

const ASKS = 'Which of the two files is the one to keep: src/old.ts or src/new.ts? Both have tests. 끝';
const SAYS = 'Reading the old texts, to see what can move elsewhere; then the first screen comes anew. 끝';
const TASK = 'Find out why the login test fails on Tuesdays, and only on those; do not change the test. 끝';

/** A list as a person would have it: some ids of today, one of earlier versions, one without a random part. */
function plantSome(lab: Lab): void {
  plant(lab, 'a8f9x2ab-write-the-texts', { agent: 'claude-code' });
  record(lab, 'a8f9x2ab-write-the-texts', 'progress', SAYS);
  plant(lab, 'zz19aq0p-review-the-change', { agent: 'gemini' });
  record(lab, 'zz19aq0p-review-the-change', 'completed', 'Three findings.');
  plant(lab, 'k3f9x2ab-choose-the-file', { agent: 'opencode' });
  record(lab, 'k3f9x2ab-choose-the-file', 'question', ASKS);
  plant(lab, 'find-the-reason-why-7f3kq2ab', { agent: 'codex', prompt_preview: TASK });
  plant(lab, 'b7n3m2k1-find-the-leak', { agent: 'claude-code' });
  record(lab, 'b7n3m2k1-find-the-leak', 'delivery_unverified', 'Not seen.', 'hub');
}

describe('mam list on a terminal', () => {
  test.for([
    [60, { agent: false, whole: false, task: false }],
    [80, { agent: true, whole: false, task: false }],
    [120, { agent: true, whole: true, task: false }],
    [200, { agent: true, whole: true, task: true }],
  ] as const)('fits %d columns, and uses them', async ([columns, has], { lab }) => {
    plantSome(lab);
    const session = 'screen';
    await lab.startSession(session, 'exec env HISTFILE=/dev/null PS1="$ " bash --norc --noprofile -i');
    await lab.tmux('resize-window', '-t', `=${session}:`, '-x', `${columns}`, '-y', '30');
    const command = `clear; ${process.execPath} ${PROGRAM} list; echo "ended with $?"`;
    await lab.steadyTmux('send-keys', '-t', `=${session}:`, '-l', command);
    await lab.steadyTmux('send-keys', '-t', `=${session}:`, 'Enter');
    const screen = await until('the list is there', async () => {
      // Without -J, a line that has wrapped is two.
      const text = await lab.steadyTmux('capture-pane', '-p', '-t', `=${session}:`);
      return /^ended with 0$/m.test(text) && text;
    });
    const lines = screen.slice(screen.indexOf('JOB')).split('\n');
    const [head = '', ...rest] = lines.slice(0, lines.indexOf('ended with 0'));
    // One line for each job, and the last one says what helps: nothing has wrapped.
    expect(rest).toHaveLength(6);
    expect(head.includes('AGENT')).toBe(has.agent);
    expect(head.includes('TASK')).toBe(has.task);
    const rows = rest.slice(0, 5);
    const ids = has.whole
      ? [
          ['b7n3m2k1-find-the-leak', 'k3f9x2ab-choose-the-file'],
          ['find-the-reason-why-7f3kq2ab', 'a8f9x2ab-write-the-texts'],
          ['zz19aq0p-review-the-change'],
        ]
      : [['b7n3m2k1', 'k3f9x2ab'], ['7f3kq2ab', 'a8f9x2ab'], ['zz19aq0p']];
    const shown = rows.map((row) => row.split(' ')[0]);
    // Each group in whatever order their clock gave them.
    expect([shown.slice(0, 2).sort(), shown.slice(2, 4).sort(), shown.slice(4)]).toEqual(
      ids.map((group) => [...group].sort()),
    );
    const row = (word: string): string => rows.find((line) => line.includes(word)) ?? '';
    expect(row('k3f9x2ab')).toContain('◆ question');
    expect(row('k3f9x2ab')).toContain(ASKS.slice(0, 15));
    expect(row('a8f9x2ab')).toContain(SAYS.slice(0, 15));
    expect(row('7f3kq2ab')).toContain(TASK.slice(0, 15));
    // The last column ends with the screen, unless a wide character does not fit there.
    if (!has.task) expect(row('k3f9x2ab')).toMatch(/…$/);
    else expect(row('k3f9x2ab')).toContain(ASKS);
    expect(rest[5]).toMatch(/^2 need you: mam \S/);
  });
});

test('mam list in a pipe: whole lines, whose fields cut and grep find', async ({ lab }) => {
  plantSome(lab);
  const { stdout, stderr } = await lab.mam('list');
  const fields = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  expect(fields.every((line) => line.length === 6)).toBe(true);
  expect(fields.find(([id]) => id === 'k3f9x2ab-choose-the-file')).toEqual([
    'k3f9x2ab-choose-the-file',
    'input_required:question',
    'opencode',
    expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d$/),
    'The task of k3f9x2ab-choose-the-file',
    ASKS,
  ]);
  expect(fields.find(([id]) => id === 'find-the-reason-why-7f3kq2ab')?.slice(4)).toEqual([TASK, '']);
  expect(stderr).toMatch(/^mam: 2 need you: mam /);
  const ids = execFileSync('cut', ['-f1'], { input: stdout, encoding: 'utf8' });
  expect(ids.split('\n')[4]).toBe('zz19aq0p-review-the-change');
});

describe('the order of lists', () => {
  const IDS = ['one', 'two', 'three', 'four', 'five', 'six'];

  test('those that need someone come first over all pages, and nothing is left out', async ({
    lab,
    server,
  }) => {
    for (const id of IDS) plant(lab, id);
    for (const id of ['one', 'four']) record(lab, id, 'question', 'Which one?');
    for (const id of ['two', 'five']) record(lab, id, 'completed', 'Done.');
    const ranks = (jobs: Json[]) =>
      jobs.map((job: Json) => (job.needs_you ? 'needs' : job.final_at ? 'ended' : 'open'));
    const inOrder = ['needs', 'needs', 'open', 'open', 'ended', 'ended'];
    const pages: Json[][] = [[], []];
    const doors = [
      (cursor?: string) => server.ask('list_jobs', { limit: 1, ...(cursor && { cursor }) }),
      (cursor?: string) => lab.json('list', '--limit', '1', ...(cursor ? ['--cursor', cursor] : [])),
    ];
    for (const [door, ask] of doors.entries()) {
      let cursor: string | undefined;
      do {
        const page: Json = await ask(cursor);
        pages[door]?.push(...page.jobs);
        cursor = page.cursor;
      } while (cursor !== undefined);
    }
    for (const jobs of pages) {
      expect(ranks(jobs)).toEqual(inOrder);
      expect(new Set(jobs.map(({ job_id }) => job_id))).toEqual(new Set(IDS));
    }
    expect(ranks((await server.ask('list_jobs')).jobs)).toEqual(inOrder);
  });

  test('a job that changes while its list is read is not skipped, and others are not shown twice', async ({
    lab,
    server,
  }) => {
    for (const id of IDS) plant(lab, id);
    const reporter = await lab.reporter;
    await reporter.report('one', 'question', { detail: 'Which one?' });
    await reporter.report('two', 'completed');
    // The clock of files is coarse: what has just changed counts as changed since.
    await until('it is some time ago', () => Date.now() - Date.parse(lab.record('two').created_at) > 500);
    const seen: string[] = [];
    let cursor: string | undefined;
    const asked: string[] = [];
    do {
      const page: Json = await server.ask('list_jobs', { limit: 1, ...(cursor && { cursor }) });
      seen.push(...page.jobs.map(({ job_id }: Json) => job_id));
      cursor = page.cursor;
      if (seen.length !== 1) continue;
      // These move into the group that has been read, and out of it.
      const open = IDS.slice(2);
      for (const id of open.slice(0, 2)) {
        await reporter.report(id, 'question', { detail: 'Now?' });
        asked.push(id);
      }
      await reporter.report('one', 'completed');
    } while (cursor !== undefined);
    expect(new Set(seen)).toEqual(new Set(IDS));
    // Only what has changed since is there again.
    const once = IDS.filter((id) => seen.filter((one) => one === id).length === 1);
    expect(once).toEqual(expect.arrayContaining(IDS.filter((id) => id !== 'one' && !asked.includes(id))));
    expect(seen.slice(1)).toEqual(expect.arrayContaining(asked));
  });

  test('a page goes on after its last job was removed; a foreign cursor is refused', async ({
    lab,
    server,
  }) => {
    for (const id of IDS) plant(lab, id);
    const first = await server.ask('list_jobs', { limit: 3 });
    const last = first.jobs[2].job_id;
    await (await lab.reporter).report(last, 'completed');
    await lab.mam('hub', 'stop');
    const { code } = await lab.mam('prune', '--older-than', '0s');
    expect(code).toBe(0);
    const rest = await server.ask('list_jobs', { limit: 10, cursor: first.cursor });
    const ids = [...first.jobs, ...rest.jobs].map(({ job_id }: Json) => job_id);
    expect(new Set(ids)).toEqual(new Set(IDS));
    expect(ids).toHaveLength(6);
    expect(await server.refusal('list_jobs', { cursor: 'one' })).toContain('The cursor is unknown.');
    expect(await lab.mam('list', '--cursor', '9.x')).toMatchObject({ code: 64 });
  });
});

test('a page of many long jobs stays below 20,000 characters, and says where the next begins', async ({
  lab,
  server,
}) => {
  for (let n = 0; n < 50; n++) {
    const id = `job-${'x'.repeat(40)}-${n}`;
    plant(lab, id, { prompt_preview: 'p'.repeat(150) });
    record(lab, id, 'question', 'q'.repeat(500));
  }
  const seen = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await server.ask('list_jobs', cursor ? { cursor } : {});
    expect(JSON.stringify(page).length).toBeLessThanOrEqual(20_000);
    for (const { job_id } of page.jobs) seen.add(job_id);
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(seen.size).toBe(50);
});

test('a job has the same fields in every answer', async ({ lab, server }) => {
  plant(lab, 'job', { agent: 'codex' });
  record(lab, 'job', 'question', ASKS);
  const [row] = (await lab.json('list')).jobs;
  const status = await lab.json('status', 'job');
  const wait = await lab.json('wait', 'job');
  const tools = [
    (await server.ask('list_jobs')).jobs[0],
    await server.ask('job_status', { job_id: 'job' }),
    (await server.ask('wait_job', { job_id: 'job' })).jobs[0],
  ];
  expect(row).toMatchObject({ open_request: ASKS, open_request_id: 'job-2', needs_you: true, late: false });
  // Whatever a list says about a job, the others say too, by the same name.
  for (const other of [status, wait.jobs[0], ...tools]) expect(other).toMatchObject(row);
});
