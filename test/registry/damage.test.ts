import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { plant, signed } from '../support/plant.ts';
import { until } from '../support/until.ts';

let lab: Lab;

const now = (): string => new Date().toISOString();
const line = (seq: number, more: object, job_id = 'hurt'): string =>
  signed(lab.home, job_id, {
    ...{ seq, event_id: `e${seq}`, job_id, source: 'peer', at: now(), recorded_at: now() },
    ...more,
  });

/** A job with four events. @returns its journal */
function plantHurt(id = 'hurt'): string {
  plant(lab, id);
  const path = lab.paths(id).journal;
  appendFileSync(path, line(2, { type: 'started' }, id));
  appendFileSync(path, line(3, { type: 'progress', detail: 'third' }, id));
  appendFileSync(path, line(4, { type: 'progress', detail: 'fourth' }, id));
  return path;
}

function change(path: string, edit: (lines: string[]) => void): string {
  const lines = readFileSync(path, 'utf8').split('\n');
  edit(lines);
  writeFileSync(path, lines.join('\n'));
  return readFileSync(path, 'utf8');
}

const GARBAGE = [
  ['words', 'this is no JSON'],
  ['NUL bytes, as a crash of the machine leaves them', '\0'.repeat(500)],
  ['other JSON', '{"hello":"world"}'],
  ['null', 'null'],
  ['a number', '42'],
] as const;

describe('damaged jobs, and one that is well, in one registry', () => {
  const IDS = ['torn', 'tail', 'headless', ...GARBAGE.map((_, n) => `garbage-${n}`)];
  const LISTED = [...IDS, 'well'].sort();
  /** For each damaged job: its journal when the hub found it. */
  const before = new Map<string, string>();
  let server: LabServer;
  beforeAll(async () => {
    lab = new Lab();
    plant(lab, 'well');
    for (const id of IDS) plantHurt(id);
    const damage = (id: string, edit: (lines: string[]) => void): void => {
      before.set(id, change(lab.paths(id).journal, edit));
    };
    damage('torn', (lines) => {
      const at = lines.findIndex((text) => text.includes('"third"'));
      lines[at] = lines[at]?.slice(0, 40) ?? '';
    });
    damage('tail', (lines) => {
      const last = lines.findLastIndex((text) => text !== '');
      lines.splice(last, lines.length, lines[last]?.slice(0, -29) ?? '');
    });
    for (const [n, [, garbage]] of GARBAGE.entries())
      damage(`garbage-${n}`, (lines) => lines.splice(5, 0, garbage));
    plant(lab, 'gone');
    rmSync(join(lab.registry, 'gone'), { recursive: true });
    writeFileSync(join(lab.home, 'live', 'elsewhere'), '/no/such/registry\n');
    writeFileSync(join(lab.home, 'live', 'empty'), '');
    // Before there is a hub, which writes a list.
    expect(ids(await lab.json('list'))).toEqual(LISTED);
    server = await lab.startServer();
  });
  afterAll(() => lab.end());

  /** Checks what everyone must see of a damaged job, and that the sound one continues. */
  async function look(id: string, damagedLine: number): Promise<void> {
    const sentence = `Line ${damagedLine} of ${lab.paths(id).journal} cannot be read and is skipped.`;
    expect(await lab.mam('status', '--job', id)).toMatchObject({ code: 0, stderr: `mam: ${sentence}\n` });
    expect((await lab.json('status', '--job', id)).damage).toEqual([sentence]);
    expect(ids(await server.ask('list_jobs'))).toEqual(LISTED);
    expect((await server.ask('job_status', { job_id: id })).damage).toEqual([sentence]);
    expect(lab.hubLog()).toContain(sentence);
    expect(await server.report('well', 'progress')).toMatchObject({ recorded: true });
  }

  /** Checks that existing content is unchanged. */
  function expectKept(id: string): void {
    expect(readFileSync(lab.paths(id).journal, 'utf8').startsWith(before.get(id) ?? '?')).toBe(true);
  }

  test('a pointer to a job or a registry that is gone does not keep a hub from starting', async () => {
    // A report waits no longer than a second for it.
    await server.ask('list_agents');
    const told = await server.report('well', 'progress');
    expect(told).toMatchObject({ recorded: true, seq: lab.events('well').length });
  });

  test('a line torn in the middle of the journal costs that event and nothing else', async () => {
    await look('torn', 6);
    const status = await server.ask('job_status', { job_id: 'torn', events_after: 0 });
    expect(status.events.map(({ seq }: Json) => seq)).toEqual([1, 2, 4]);
    expect(status).toMatchObject({ status: 'working', detail: 'fourth' });
    const next = await server.ask('publish_event', { job_id: 'torn', event: 'completed', detail: 'end' });
    expect(next).toMatchObject({ recorded: true, seq: 5, status: 'completed' });
    expectKept('torn');
  });

  test('a torn tail harms no line after it', async () => {
    await look('tail', 8);
    const next = await server.ask('publish_event', { job_id: 'tail', event: 'progress', detail: 'after' });
    expect(next).toMatchObject({ recorded: true, seq: 4 });
    // The next hub reads the same.
    await lab.mam('hub', 'stop');
    const status = await server.ask('job_status', { job_id: 'tail', events_after: 0 });
    expect(status.events.map(({ seq }: Json) => seq)).toEqual([1, 2, 3, 4]);
    expect(status.events.map(({ detail }: Json) => detail)).toEqual([undefined, undefined, 'third', 'after']);
    expectKept('tail');
  });

  test.each(GARBAGE.map(([what], n) => [what, `garbage-${n}`]))(
    'a garbage line of %s is named and skipped',
    async (_what, id) => {
      await look(id, 6);
      const status = await server.ask('job_status', { job_id: id, events_after: 0 });
      expect(status.events).toHaveLength(4);
      expectKept(id);
    },
  );

  test('if the first line is destroyed, job.json is used', async () => {
    const id = 'headless';
    const path = lab.paths(id).journal;
    await server.ask('publish_event', { job_id: id, event: 'progress', detail: 'fifth' });
    await until('the record is written', () => lab.record(id).seq === 5);
    await lab.mam('hub', 'stop');
    appendFileSync(path, line(6, { type: 'progress', detail: 'sixth' }, id));
    const destroyed = change(path, (lines) => {
      lines[1] = 'x'.repeat(lines[1]?.length ?? 0);
    });
    before.set(id, destroyed);
    // The next hub must find it like this.
    await server.ask('list_jobs');
    await look(id, 2);
    const status = await server.ask('job_status', { job_id: id, events_after: 0 });
    expect(status).toMatchObject({ status: 'working', detail: 'sixth', seq: 6 });
    const end = await server.ask('publish_event', { job_id: id, event: 'completed', detail: 'end' });
    expect(end).toMatchObject({ seq: 7, status: 'completed' });
    expectKept(id);
  });
});

describe('in a lab of its own', () => {
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab.end());

  test('if neither can be read, the job is named with file, line and next step, and continues once it is restored', async () => {
    const path = plantHurt();
    plant(lab, 'well');
    const whole = readFileSync(path, 'utf8');
    const before = change(path, (lines) => {
      lines[1] = 'gone';
    });
    writeFileSync(join(lab.registry, 'hurt', 'job.json'), '{"half');
    const shown = await lab.mam('status', '--job', 'hurt');
    expect(shown.code).toBe(69);
    const server = await lab.startServer();
    // A report waits no longer than a second for the start of a hub.
    await server.ask('list_jobs');
    const kept = await server.ask('publish_event', { job_id: 'hurt', event: 'completed' });
    expect(kept).toMatchObject({ accepted: true, recorded: false });
    const refusal = await server.refusal('job_status', { job_id: 'hurt' });
    const { folder } = lab.paths('hurt');
    for (const text of [shown.stderr, refusal, kept.summary, lab.hubLog()]) {
      expect(text).toContain(`The journal of job hurt cannot be read: Line 2 of ${path}`);
      expect(text).toContain(`Restore ${path} from a backup, or move the folder ${folder} away.`);
    }
    const { stdout } = await lab.mam('hub', 'status');
    expect(stdout).toMatch(/waits .* \(open there: hurt\): The journal of job hurt/);
    expect(await server.report('well', 'completed')).toMatchObject({ status: 'completed' });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readFileSync(join(lab.registry, 'hurt', 'job.json'), 'utf8')).toBe('{"half');
    writeFileSync(path, whole);
    await lab.event('hurt', 'completed');
    await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
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
    expect(ids(await server.ask('list_jobs'))).toEqual(['well']);
    expect(ids(await lab.json('list'))).toEqual(['well']);
    const no = ['no-journal', 'a-file-like-a-job', 'journal-is-a-folder', 'empty-journal', 'dangling'];
    for (const job_id of no) {
      expect(await server.refusal('job_status', { job_id }), job_id).toMatch(/There is no job/);
      expect((await lab.mam('status', '--job', job_id)).code, job_id).toBe(69);
      const report = { job_id, event: 'progress' };
      expect(await server.refusal('publish_event', report), job_id).toMatch(/There is no job/);
    }
    expect((await lab.mam('publish', '--job', 'empty-journal', '--event', 'progress')).code).toBe(1);
    expect(await server.report('well', 'progress')).toMatchObject({ recorded: true });
    for (const [path, text] of Object.entries(foreign))
      expect(readFileSync(join(lab.registry, path), 'utf8')).toBe(text);
  });

  test('a damaged or missing index and a removed job.json are made again from the journals', async () => {
    plantHurt();
    plant(lab, 'well');
    const first = await lab.startServer();
    await first.ask('list_jobs');
    await first.ask('publish_event', { job_id: 'well', event: 'completed' });
    await until('the record is written', () => lab.record('well').status === 'completed');
    await lab.mam('hub', 'stop');
    const rubbish = '{"job_id":"ghost","status":"completed"}\nrubbish\n{"job_id":';
    writeFileSync(join(lab.registry, '.index.jsonl'), rubbish);
    rmSync(join(lab.registry, 'well', 'job.json'));
    const { jobs } = await first.ask('list_jobs');
    const states = jobs.map(({ job_id, status }: Json) => `${job_id} ${status}`);
    expect(states.sort()).toEqual(['hurt working', 'well completed']);
  });
});

function ids({ jobs }: { jobs: { job_id: string }[] }): string[] {
  return jobs.map(({ job_id }) => job_id).sort();
}
