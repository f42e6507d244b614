import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Ended } from '../support/command.ts';
import { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { plant, signed } from '../support/plant.ts';
import { until } from '../support/until.ts';

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

const now = (): string => new Date().toISOString();
const line = (seq: number, more: object): string =>
  signed(lab.home, 'hurt', {
    ...{ seq, event_id: `e${seq}`, job_id: 'hurt', source: 'peer', at: now(), recorded_at: now() },
    ...more,
  });

/** A job `hurt` with four events, and one `well` beside it. @returns its journal */
function plantBoth(): string {
  plant(lab, 'hurt');
  plant(lab, 'well');
  const path = lab.paths('hurt').journal;
  appendFileSync(path, line(2, { type: 'started' }));
  appendFileSync(path, line(3, { type: 'progress', detail: 'third' }));
  appendFileSync(path, line(4, { type: 'progress', detail: 'fourth' }));
  return path;
}

function change(path: string, edit: (lines: string[]) => void): string {
  const lines = readFileSync(path, 'utf8').split('\n');
  edit(lines);
  writeFileSync(path, lines.join('\n'));
  return readFileSync(path, 'utf8');
}

/** What everybody must see of the damaged job; and that the other one goes on. */
async function look(path: string, damagedLine: number): Promise<{ server: LabServer; shown: Ended }> {
  const sentence = `Line ${damagedLine} of ${path} cannot be read and is passed over.`;
  const shown = await lab.mam('status', '--job', 'hurt');
  expect(shown.code).toBe(0);
  expect(shown.stderr).toBe(`mam: ${sentence}\n`);
  const json = await lab.mam('status', '--job', 'hurt', '--json');
  expect(JSON.parse(json.stdout).damage).toEqual([sentence]);
  const list = await lab.mam('list', '--json');
  expect(
    JSON.parse(list.stdout)
      .jobs.map((job: { job_id: string }) => job.job_id)
      .sort(),
  ).toEqual(['hurt', 'well']);
  const server = await lab.startServer();
  expect((await server.ask('list_jobs')).total).toBe(2);
  await server.ask('job_status', { job_id: 'hurt', events_after: 0 });
  expect(lab.hubLog()).toContain(sentence);
  expect(await server.ask('publish_event', { job_id: 'well', event: 'progress' })).toMatchObject({
    recorded: true,
    seq: 2,
  });
  return { server, shown };
}

test('a line torn in the middle of the journal costs that event and nothing else', async () => {
  const path = plantBoth();
  const before = change(path, (lines) => {
    const at = lines.findIndex((text) => text.includes('"third"'));
    lines[at] = lines[at]?.slice(0, 40) ?? '';
  });
  const { server } = await look(path, 6);
  const status = await server.ask('job_status', { job_id: 'hurt', events_after: 0 });
  expect(status.events.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 4]);
  expect(status).toMatchObject({ status: 'working', detail: 'fourth' });
  const next = await server.ask('publish_event', { job_id: 'hurt', event: 'completed', detail: 'end' });
  expect(next).toMatchObject({ recorded: true, seq: 5, status: 'completed' });
  expect(readFileSync(path, 'utf8').startsWith(before)).toBe(true);
});

test('a torn tail harms no line after it', async () => {
  const path = plantBoth();
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, whole.slice(0, -30));
  const { server } = await look(path, 8);
  const next = await server.ask('publish_event', { job_id: 'hurt', event: 'progress', detail: 'after' });
  expect(next).toMatchObject({ recorded: true, seq: 4 });
  // The next hub reads the same.
  await lab.mam('hub', 'stop');
  const status = await server.ask('job_status', { job_id: 'hurt', events_after: 0 });
  expect(status.events.map(({ seq, detail }: { seq: number; detail?: string }) => [seq, detail])).toEqual([
    [1, undefined],
    [2, undefined],
    [3, 'third'],
    [4, 'after'],
  ]);
  expect(readFileSync(path, 'utf8').startsWith(whole.slice(0, -30))).toBe(true);
});

test.each([
  ['words', 'this is no JSON'],
  ['NUL bytes, as a crash of the machine leaves them', '\0'.repeat(500)],
  ['other JSON', '{"hello":"world"}'],
  ['null', 'null'],
  ['a number', '42'],
])('a garbage line of %s is named and passed over', async (_what, garbage) => {
  const path = plantBoth();
  const before = change(path, (lines) => lines.splice(5, 0, garbage));
  const { server } = await look(path, 6);
  const status = await server.ask('job_status', { job_id: 'hurt', events_after: 0 });
  expect(status.events).toHaveLength(4);
  expect(readFileSync(path, 'utf8').startsWith(before)).toBe(true);
});

test('job_status names the damage', async () => {
  const path = plantBoth();
  change(path, (lines) => lines.splice(5, 0, 'rubbish'));
  const server = await lab.startServer();
  const { damage } = await server.ask('job_status', { job_id: 'hurt' });
  expect(damage).toEqual([`Line 6 of ${path} cannot be read and is passed over.`]);
});

test('where the first line is destroyed, job.json stands in', async () => {
  const path = plantBoth();
  const first = await lab.startServer();
  await first.ask('publish_event', { job_id: 'hurt', event: 'progress', detail: 'fifth' });
  await until('the record is written', () => lab.record('hurt').seq === 5);
  await lab.mam('hub', 'stop');
  appendFileSync(path, line(6, { type: 'progress', detail: 'sixth' }));
  const before = change(path, (lines) => {
    lines[1] = 'x'.repeat(lines[1]?.length ?? 0);
  });
  const { server } = await look(path, 2);
  const status = await server.ask('job_status', { job_id: 'hurt', events_after: 0 });
  expect(status).toMatchObject({ status: 'working', detail: 'sixth', seq: 6 });
  const end = await server.ask('publish_event', { job_id: 'hurt', event: 'completed', detail: 'end' });
  expect(end).toMatchObject({ seq: 7, status: 'completed' });
  expect(readFileSync(path, 'utf8').startsWith(before)).toBe(true);
});

test('where neither can be read, the job is named with file, line and next step, and the rest goes on', async () => {
  const path = plantBoth();
  const before = change(path, (lines) => {
    lines[1] = 'gone';
  });
  writeFileSync(join(lab.registry, 'hurt', 'job.json'), '{"half');
  const shown = await lab.mam('status', '--job', 'hurt');
  expect(shown.code).toBe(69);
  for (const text of [
    shown.stderr,
    await (await lab.startServer()).refusal('job_status', { job_id: 'hurt' }),
    await (await lab.startServer()).refusal('publish_event', { job_id: 'hurt', event: 'progress' }),
  ]) {
    expect(text).toContain(`The journal of job hurt cannot be read: Line 2 of ${path}`);
    expect(text).toContain(
      `Restore ${path} from a backup, or move the folder ${join(lab.registry, 'hurt')} away.`,
    );
  }
  const server = await lab.startServer();
  expect((await server.ask('publish_event', { job_id: 'well', event: 'completed' })).status).toBe(
    'completed',
  );
  expect(lab.hubLog()).toContain('job hurt was not taken up');
  expect(readFileSync(path, 'utf8')).toBe(before);
  expect(readFileSync(join(lab.registry, 'hurt', 'job.json'), 'utf8')).toBe('{"half');
});

test('foreign files, folders without a journal and strange names are ignored and left as they are', async () => {
  lab.expected.push(/^p\/\.mam\/jobs\//);
  plant(lab, 'well');
  const foreign = {
    'README.md': 'mine',
    'no-journal/prompt.md': 'text',
    'Not-An-Id/events.jsonl': 'x',
    '.hidden/events.jsonl': 'x',
    'a-file-like-a-job': 'x',
    'journal-is-a-folder/events.jsonl/x': 'x',
    'empty-journal/events.jsonl': '',
  };
  for (const [path, text] of Object.entries(foreign)) {
    mkdirSync(join(lab.registry, path, '..'), { recursive: true });
    writeFileSync(join(lab.registry, path), text);
  }
  symlinkSync('/nowhere', join(lab.registry, 'dangling'));
  const server = await lab.startServer();
  const listed = await server.ask('list_jobs');
  expect(listed.jobs.map(({ job_id }: { job_id: string }) => job_id)).toEqual(['well']);
  const shell = await lab.mam('list', '--json');
  expect(JSON.parse(shell.stdout).jobs.map((job: { job_id: string }) => job.job_id)).toEqual(['well']);
  for (const job_id of [
    'no-journal',
    'a-file-like-a-job',
    'journal-is-a-folder',
    'empty-journal',
    'dangling',
  ]) {
    expect(await server.refusal('job_status', { job_id }), job_id).toMatch(/There is no job/);
    expect((await lab.mam('status', '--job', job_id)).code, job_id).toBe(64);
    expect((await lab.mam('publish', '--job', job_id, '--event', 'progress')).code, job_id).toBe(1);
  }
  expect(await server.ask('publish_event', { job_id: 'well', event: 'progress' })).toMatchObject({
    recorded: true,
  });
  for (const [path, text] of Object.entries(foreign))
    expect(readFileSync(join(lab.registry, path), 'utf8')).toBe(text);
});

test('a damaged or missing index and a removed job.json are made again from the journals', async () => {
  plantBoth();
  const first = await lab.startServer();
  await first.ask('list_jobs');
  await first.ask('publish_event', { job_id: 'well', event: 'completed' });
  await until('the record is written', () => lab.record('well').status === 'completed');
  await lab.mam('hub', 'stop');
  writeFileSync(
    join(lab.registry, '.index.jsonl'),
    '{"job_id":"ghost","status":"completed"}\nrubbish\n{"job_id":',
  );
  rmSync(join(lab.registry, 'well', 'job.json'));
  const { jobs } = await first.ask('list_jobs');
  expect(jobs.map(({ job_id, status }: Record<string, string>) => [job_id, status]).sort()).toEqual([
    ['hurt', 'working'],
    ['well', 'completed'],
  ]);
});

test('a pointer to a job or a registry that is gone keeps no hub from starting', async () => {
  plant(lab, 'well');
  plant(lab, 'gone');
  rmSync(join(lab.registry, 'gone'), { recursive: true });
  writeFileSync(join(lab.home, 'live', 'elsewhere'), '/no/such/registry\n');
  writeFileSync(join(lab.home, 'live', 'empty'), '');
  const server = await lab.startServer();
  expect(await server.ask('publish_event', { job_id: 'well', event: 'progress' })).toMatchObject({
    recorded: true,
  });
});
