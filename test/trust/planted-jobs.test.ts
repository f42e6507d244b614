import { spawn } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab, NOT_OURS } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { plant, plantJob } from '../support/plant.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** Job folders that a clone brings, or that a peer has put there or changed: what they say is shown, never obeyed. */
let lab: Lab;
let server: LabServer;
let marker: string;
let script: string;

function makeLab(): void {
  lab = new Lab();
  lab.expected.push(NOT_OURS);
  marker = join(lab.folder, 'ran');
  script = join(lab.project, 'check.sh');
  writeFileSync(script, `touch '${marker}'\n`);
}

/** One lab with a server for all tests of a group. @param fill plants what its hub finds */
function sharing(fill: () => void): void {
  beforeAll(async () => {
    makeLab();
    fill();
    server = await lab.startServer();
  });
  afterAll(() => lab.end());
}

const ID = 'nice-work-12345678';

function line(seq: number, type: string, more: object = {}, job_id = ID): string {
  const at = new Date().toISOString();
  const event = { seq, recorded_at: at, event_id: `e-${seq}`, job_id, type, source: 'hub', at, ...more };
  return `\n${JSON.stringify(event)}\n`;
}

/** A job that waits for its check, as a stranger would write it. */
function plantStranger(id = ID): string {
  const validation = { script, script_sha256: '0'.repeat(64), rounds: 0, max_rounds: 3 };
  plantJob(lab.registry, id, { validation, supervisor: { client: 'cli', session: 'cli' } }, lab.project);
  const journal = lab.paths(id).journal;
  appendFileSync(journal, line(2, 'submitted', {}, id));
  appendFileSync(journal, line(3, 'completed', { source: 'peer', detail: 'done' }, id));
  return id;
}

describe("a stranger's job that waits for its check", () => {
  sharing(() => {
    plantStranger();
    const { journal } = lab.paths(ID);
    const text = readFileSync(journal, 'utf8');
    writeFileSync(journal, text.replace('"depth":0', '"request_key":"nightly","depth":0'));
  });

  test('is shown as history, and its script never runs, not by the next hub either', async () => {
    const { record, damage } = await server.ask('job_status', { job_id: ID });
    expect(record?.job_id ?? ID).toBe(ID);
    expect(JSON.stringify(damage)).toContain('was not delegated by this MAM_HOME');
    const listed = await server.ask('list_jobs');
    expect(listed.jobs).toMatchObject([{ job_id: ID, reason: 'history' }]);
    await lab.mam('hub', 'restart');
    await server.ask('job_status', { job_id: ID });
    expect(JSON.parse((await lab.mam('hub', '--json')).stdout).open_jobs).toBe(0);
    expect(existsSync(marker)).toBe(false);
  });

  test('is reported as history by every command, with and without a hub, and nobody waits for it', async () => {
    expect(await server.refusal('wait_job', { job_id: ID })).toContain('is history');
    expect(await server.ask('job_status', { job_id: ID })).toMatchObject({ reason: 'history' });
    for (const hub of ['start', 'stop']) {
      await lab.mam('hub', hub === 'start' ? 'status' : 'stop');
      expect((await lab.mam('list')).stdout).toContain('history');
      expect(JSON.parse((await lab.mam('list', '--json')).stdout).jobs[0].reason).toBe('history');
      const status = await lab.mam('status', ID);
      expect([status.stdout, status.stderr]).toEqual([
        expect.stringContaining('(history)'),
        expect.stringContaining('was not delegated by this MAM_HOME'),
      ]);
      const logs = await lab.mam('logs', ID);
      expect(logs.stdout + logs.stderr).toContain('is history');
      // Nobody waits for it.
      expect(logs.stdout).not.toContain('mam wait');
      const waited = await lab.mam('wait', ID);
      expect([waited.code, waited.stderr]).toEqual([69, expect.stringContaining('is history')]);
    }
    expect((await lab.mam('doctor')).stdout).toContain(`came with a clone or from another MAM_HOME: ${ID}`);
  });

  test('is not answered, cancelled, reported on or checked by its own script', async () => {
    for (const [tool, args] of [
      ['answer_job', { text: 'go on' }],
      ['answer_job', { decision: 'allow' }],
      ['cancel_job', {}],
      ['verify_job', {}],
    ] as const) {
      expect(await server.refusal(tool, { job_id: ID, ...args })).toContain('is history');
    }
    expect(await server.refusal('publish_event', { job_id: ID, event: 'completed' })).toContain('is history');
    // Its working folder was chosen by the stranger as well.
    expect(await server.refusal('verify_job', { job_id: ID, validate: script })).toContain('is history');
    for (const args of [
      ['verify', ID],
      ['attach', ID, '--json'],
    ]) {
      const { code, stderr } = await lab.mam(...args);
      expect([code, stderr]).toEqual([69, expect.stringContaining('is history')]);
    }
    expect(existsSync(marker)).toBe(false);
    // A person may name a script, which then runs where that person is.
    const own = lab.write('own.sh', 'pwd');
    const named = await lab.start(['verify', ID, '--validate', own], { cwd: lab.folder }).ended;
    expect([named.code, named.stderr]).toEqual([0, expect.stringContaining(`runs in ${lab.folder}`)]);
  });

  test('keeps no wait, and takes no request_key', async () => {
    const { stdout } = await lab.mam('wait', '--timeout', '20');
    expect(stdout).not.toContain(ID);
    const args = { agent: 'human', prompt: 'The task of nice-work-12345678', request_key: 'nightly' };
    expect((await server.ask('delegate_job', args)).job_id).not.toBe(ID);
  });
});

describe('in a lab of its own', () => {
  beforeEach(makeLab);
  afterEach(() => lab.end());

  test("a stranger's job of the same id as one of ours does not catch the reports for it", async () => {
    const other = join(lab.folder, 'other', '.mam', 'jobs');
    plant(lab, 'shared-12345678', {}, other);
    plantStranger('shared-12345678');
    const report = ['--event', 'completed', '--detail', 'x'];
    const told = await lab.mam('publish', '--job', 'shared-12345678', ...report);
    expect([told.code, told.stderr]).toEqual([0, '']);
    expect(lab.record('shared-12345678', other).status).toBe('completed');
  });

  test('a copy of a project acts on none of the jobs that it is a copy of, and names only its own', async () => {
    plant(lab, ID);
    const server = await lab.startServer();
    await server.ask('publish_event', { job_id: ID, event: 'started' });
    const copy = join(lab.folder, 'copy');
    cpSync(lab.project, copy, { recursive: true });
    const { code, stderr } = await lab.start(['cancel', ID], { cwd: copy }).ended;
    expect([code, stderr]).toEqual([
      69,
      expect.stringContaining(`is a copy: the job itself is in ${lab.registry}`),
    ]);
    expect(lab.record(ID).status).toBe('working');
    const unknown = await lab.start(['cancel', 'nobody-12345678'], { cwd: copy }).ended;
    expect(unknown.stderr).toContain(`No job is open in ${copy}/.mam/jobs`);
    expect(unknown.stderr).not.toContain(ID);
  });

  test('a running process that a journal names is not ended', async () => {
    const victim = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    lab.keep(victim);
    const start = readFileSync(`/proc/${victim.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19];
    plantStranger();
    appendFileSync(lab.paths(ID).journal, line(4, 'validating', { data: { pid: victim.pid, start } }));
    mkdirSync(join(lab.home, 'live'), { recursive: true, mode: 0o700 });
    writeFileSync(join(lab.home, 'live', ID), `${lab.registry}\n`);
    await (await lab.startServer()).ask('job_status', { job_id: ID });
    expect(isRunning(victim.pid ?? 0)).toBe(true);
    victim.kill();
  });
});

describe('a job of ours whose journal was changed', () => {
  sharing(() => {
    const validation = { script, script_sha256: '0'.repeat(64), rounds: 0 };
    for (const id of ['forged-12345678', 'other-12345678']) plant(lab, id, { validation });
    appendFileSync(
      lab.paths('forged-12345678').journal,
      line(2, 'completed', { source: 'peer', detail: 'forged' }, 'forged-12345678'),
    );
    plant(lab, 'copied-12345678');
    const other = readFileSync(lab.paths('other-12345678').journal, 'utf8');
    writeFileSync(
      lab.paths('copied-12345678').journal,
      other.replaceAll('other-12345678', 'copied-12345678'),
    );
    plant(lab, ID);
  });

  test('obeys only the lines that a hub of ours has written', async () => {
    const job_id = 'forged-12345678';
    const { status, damage } = await server.ask('job_status', { job_id });
    expect(status).toBe('queued');
    expect(JSON.stringify(damage)).toContain('was not written by a hub of this MAM_HOME');
    await server.ask('publish_event', { job_id, event: 'progress', detail: 'true' });
    expect((await server.ask('job_status', { job_id })).detail).toBe('true');
    expect(existsSync(marker)).toBe(false);
  });

  test('obeys no line of another job, and no changed script', async () => {
    const { damage } = await server.ask('job_status', { job_id: 'copied-12345678' });
    expect(JSON.stringify(damage)).toContain('history');
  });

  test('has a job.json that replaces its first line only if that is ours as well', async () => {
    await server.ask('publish_event', { job_id: ID, event: 'started' });
    const record = await until(
      'the record is written',
      () => lab.snapshot(ID).status === 'working' && lab.snapshot(ID),
    );
    await lab.mam('hub', 'stop');
    const journal = readFileSync(lab.paths(ID).journal, 'utf8');
    writeFileSync(lab.paths(ID).journal, journal.replace('"type":"queued"', '"type":"qu'));
    expect((await server.ask('job_status', { job_id: ID })).status).toBe('working');
    await lab.mam('hub', 'stop');
    const forged = { ...record, validation: { script, script_sha256: '0', rounds: 0 } };
    writeFileSync(join(lab.registry, ID, 'job.json'), JSON.stringify(forged));
    const { damage } = await server.ask('job_status', { job_id: ID });
    expect(JSON.stringify(damage)).toContain('history');
  });
});

describe('a job that cannot be read, among those that a hub takes up', () => {
  const order = { agent_session: { socket: 7 } };
  const damages: [string, string | undefined][] = [
    ['an order that does not fit', undefined],
    ['no order', line(1, 'queued')],
    ['an order of another form', line(1, 'queued', { data: { job: 'x' } })],
    ['nothing but zeros', '\0'.repeat(4096)],
    ['an event of an odd type', line(1, 'constructor', { data: { job: {} } })],
    ['a value in the place of an event', '\nnull\n7\n"x"\n[]\n'],
    ['invalid files', line(1, 'queued', { files: { a: 1 }, texts: ['x'] })],
  ];

  const ids = damages.map((_, n) => `odd-${n}-12345678`);
  sharing(() => {
    // A hub of ours may have written them: an older version, or a disk that failed.
    for (const [n, [, text]] of damages.entries()) {
      const id = ids[n] as string;
      plant(lab, id, (text === undefined ? order : {}) as never);
      if (text !== undefined) writeFileSync(lab.paths(id).journal, text.replaceAll(ID, id));
    }
    plant(lab, ID);
  });

  const harmless = async (...args: string[]): Promise<void> => {
    const { stderr } = await lab.mam(...args);
    expect(stderr, args.join(' ')).not.toMatch(/TypeError|Cannot read|not a function|is not iterable/);
  };

  test.each(damages.map(([what], n) => [what, ids[n] as string]))(
    '%s: it is set aside and named, and the others go on',
    async (_, id) => {
      expect((await server.ask('job_status', { job_id: ID })).status).toBe('queued');
      expect(lab.hubLog()).toContain(id);
      const answer = await server.call('job_status', { job_id: id });
      expect(JSON.stringify(answer)).toMatch(new RegExp(`${id}|no job with this id`));
      expect(JSON.stringify(answer)).not.toMatch(/internal|TypeError|undefined \(/);
      for (const command of ['status', 'logs']) await harmless(command, id);
    },
  );

  test('does not keep commands from reporting all jobs', async () => {
    for (const command of ['list', 'doctor']) await harmless(command);
  });
});
