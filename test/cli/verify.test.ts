import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { scriptHash } from '../../src/checks/script-hash.ts';
import { Lab } from '../support/lab.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { plant } from '../support/plant.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

let lab: Lab;
/** Writes a script of the project and returns its path. */
function script(text: string, name = 'check.sh', mode = 0o644): string {
  const path = join(lab.project, name);
  writeFileSync(path, text, { mode });
  return path;
}
const verify = (job: string, path: string, ...more: string[]) =>
  lab.mam('verify', '--job', job, '--validate', path, ...more);
const pids = () => readFileSync(join(lab.project, 'pids'), 'utf8').split('\n').filter(Boolean).map(Number);

const OWN = 'own-script';
describe('mam verify, with one hub for all', () => {
  const jobs = ['codes', 'verdict', 'asking', 'hangs', 'deaf'];
  beforeAll(async () => {
    lab = new Lab();
    // Before the hub starts, which then loads them.
    for (const id of jobs) plant(lab, id);
    const own = script('exit 0\n', `${OWN}.sh`);
    plant(lab, OWN, { validation: { script: own, script_sha256: scriptHash(own), rounds: 0 } });
    // A verdict that waits a second for its hub is told on stderr.
    await (await lab.startServer()).ask('list_jobs');
  });
  beforeEach(() => rmSync(join(lab.project, 'pids'), { force: true }));
  afterAll(() => lab.end());

  test.each([
    ['exit 0', 0, 'validation: PASS'],
    ['exit 1', 1, 'validation: FAIL (exit 1)'],
    ['exit 7', 7, 'validation: FAIL (exit 7)'],
    ['exit 255', 255, 'validation: FAIL (exit 255)'],
    ['kill -TERM $$', 143, 'validation: FAIL (exit 143)'],
    ['kill -USR1 $$', 138, 'validation: FAIL (exit 138)'],
  ])('returns the exit code of the script: %s', async (text, code, last) => {
    const path = script(`echo out\necho err >&2\n${text}\n`);
    const before = lab.events('codes').length;
    const ended = await verify('codes', path);
    expect(ended).toMatchObject({ code, stdout: `out\n${last}\n`, stderr: 'err\n' });
    const event = await until('it is recorded', () => lab.events('codes')[before]);
    expect(event).toMatchObject({
      ...{ type: 'verified', source: 'person' },
      data: {
        script: path,
        passed: code === 0,
        exit_code: code,
        output_tail: expect.stringContaining('out'),
      },
    });
  });

  test('prints its verdict on a separate line, and continues when its reader has gone', async () => {
    const path = script('printf "no newline"; exit 3\n');
    expect((await verify('verdict', path)).stdout).toBe('no newline\nvalidation: FAIL (exit 3)\n');
    const slow = script('echo begun; until [ -e go ]; do sleep 0.02; done; echo over; exit 7\n');
    const running = lab.start(['verify', '--job', 'verdict', '--validate', slow]);
    await until('it has begun', () => running.seen.stdout.includes('begun'));
    running.child.stdout.destroy();
    writeFileSync(join(lab.project, 'go'), '');
    expect((await running.ended).code).toBe(7);
    const line = `'${process.execPath}' '${PROGRAM}' list --json > /dev/full`;
    const full = spawnSync('bash', ['-c', line], { cwd: lab.project, env: lab.env, encoding: 'utf8' });
    expect(full).toMatchObject({ status: 69, stderr: 'mam: stdout cannot be written (ENOSPC).\n' });
  });

  test('runs in workdir with the environment of a check, and changes nothing of the job', async () => {
    await lab.mam('publish', '--job', 'asking', '--event', 'question', '--detail', 'Slate?');
    const before = lab.record('asking');
    script('#!/bin/sh\nenv > env.txt\npwd > cwd\n', 'own.sh', 0o755);
    const env = { VIRTUAL_ENV: '/venv', SECRET: 'x' };
    const ended = await lab.start(['verify', 'asking', '--validate', '../own.sh'], {
      env,
      cwd: join(lab.project, '.mam'),
    }).ended;
    expect(ended).toMatchObject({ code: 0, stdout: 'validation: PASS\n', stderr: '' });
    const seen = readFileSync(join(lab.project, 'env.txt'), 'utf8').split('\n');
    expect(seen).toEqual(
      expect.arrayContaining([
        ...['JOB_ID=asking', `REGISTRY_DIR=${lab.registry}`, `MAM_JOB_DIR=${join(lab.registry, 'asking')}`],
        ...[`PATH=${process.env['PATH']}`, 'VIRTUAL_ENV=/venv'],
      ]),
    );
    expect(seen.filter((line) => line.startsWith('SECRET'))).toEqual([]);
    expect(readFileSync(join(lab.project, 'cwd'), 'utf8').trim()).toBe(lab.project);
    await until('it is noted', () => lab.record('asking').seq > before.seq);
    expect(lab.record('asking')).toEqual({ ...before, seq: before.seq + 1 });
  });

  test("takes the job's own script, says when that was changed, and works on a job that has ended", async () => {
    const path = join(lab.project, `${OWN}.sh`);
    await lab.mam('publish', '--job', OWN, '--event', 'completed');
    await until('it is completed', () => lab.record(OWN).status === 'completed');
    expect(await lab.mam('verify', OWN)).toMatchObject({ code: 0, stdout: 'validation: PASS\n', stderr: '' });
    script('echo tampered; exit 3\n', `${OWN}.sh`);
    const ended = await lab.mam('verify', OWN, '--json');
    expect(ended.code).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      ...{ job_id: OWN, status: 'completed', running: false, passed: false, exit_code: 3 },
      ...{ output_tail: 'tampered\n', script: path, script_changed: true },
    });
    expect(ended.stderr).toBe(`mam: ${path} was changed since the job was delegated.\ntampered\n`);
    expect(lab.record(OWN)).toMatchObject({
      status: 'completed',
      late: false,
      validation: { passed: true },
    });
    expect((await lab.mam('logs', OWN)).stdout).toMatch(
      /person +verified +FAIL \(exit 3\) .*own-script\.sh; the script was changed/,
    );
  });

  test('on Ctrl-C, ends a script that hangs, with its whole group', async () => {
    const path = script(
      'trap "echo tidied" EXIT\nsleep 1000 &\necho $$ > pids; echo $! >> pids\necho begun\nsleep 1000\n',
    );
    const run = lab.start(['verify', 'hangs', '--validate', path]);
    await until(
      'its output is there while it runs',
      () => run.seen.stdout === 'begun\n' && pids().length === 2,
    );
    // A process that bash starts after the signal does not get it, so this waits for it.
    const [bash] = pids();
    const children = () => readFileSync(`/proc/${bash}/task/${bash}/children`, 'utf8').trim().split(' ');
    await until('it sleeps', () => children().length === 2);
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({
      ...{ code: 130, stdout: 'begun\ntidied\nvalidation: FAIL (exit 130)\n' },
    });
    await until('its group is gone', () => !pids().some(isRunning));
  });

  test('ends a script that ignores the first Ctrl-C at the second', async () => {
    const path = script('trap "" INT TERM\necho $$ > pids\nwhile :; do sleep 1000; done\n');
    const run = lab.start(['verify', 'deaf', '--validate', path]);
    await until('it runs', () => pids().length === 1);
    run.child.kill('SIGINT');
    run.child.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ code: 137, stdout: 'validation: FAIL (exit 137)\n' });
    await until('it is gone', () => !pids().some(isRunning));
  });
});

describe('mam verify, without a hub', () => {
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab.end());

  test('says what is wrong: 64 for a missing or unusable script, 69 for a missing job', async () => {
    plant(lab, 'roof');
    plant(lab, 'away', { workdir: '/no/such/folder' });
    const path = script('exit 0\n');
    const bad = script('#!/no/such/program\n', 'bad.sh', 0o755);
    for (const [args, code, words] of [
      [['nobody', '--validate', path], 69, 'There is no job with this id'],
      [['roof', '--validate', 'no.sh'], 64, 'no.sh cannot be read'],
      [['roof', '--validate', '.'], 64, 'is a folder'],
      [['roof'], 64, 'without a validation script'],
      [['roof', '--validate', bad], 64, 'cannot run: its interpreter /no/such/program is missing'],
      [['away', '--validate', path], 69, '/no/such/folder'],
    ] as const) {
      const ended = await lab.mam('verify', ...args);
      expect(ended, args.join(' ')).toMatchObject({
        code,
        stdout: '',
        stderr: expect.stringContaining(words),
      });
    }
    expect(lab.events('roof')).toHaveLength(1);
    expect(lab.hubs).toEqual([]);
  });

  test('keeps its exit code if the verdict cannot be recorded', async () => {
    plant(lab, 'roof');
    lab.expected.push(/^no-home$/);
    writeFileSync(join(lab.folder, 'no-home'), '');
    const path = script('exit 9\n');
    const env = { MAM_HOME: join(lab.folder, 'no-home') };
    const ended = await lab.start(['verify', 'roof', '--validate', path], { env }).ended;
    expect(ended).toMatchObject({ code: 9, stdout: 'validation: FAIL (exit 9)\n' });
    expect(ended.stderr).toMatch(/^mam: the verdict /m);
    expect(existsSync(join(lab.home, 'outbox'))).toBe(false);
  });
});
