import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { requestOnce } from '../../src/link/one-shot.ts';
import type { Ended } from '../support/command.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { plant, plantJob } from '../support/plant.ts';
import { pause, until } from '../support/until.ts';

const DAY_MS = 86_400_000;

let lab: Lab;
let registry: string;
let count = 0;
/** A separate lab for each test, or one for a group. */
function makeLab(): void {
  lab = new Lab();
  lab.expected.push(NOT_OURS);
}

/** Puts a job that ended this many days ago into the registry, as a hub would have left it. */
function plantEnded(id: string, days: number, type = 'completed', log_dir?: string): string {
  plantJob(registry, id, log_dir === undefined ? {} : { log_dir }, lab.project);
  const at = new Date(Date.now() - days * DAY_MS).toISOString();
  const event = { seq: 2, event_id: `${id}-2`, job_id: id, type, source: 'peer', at, recorded_at: at };
  appendFileSync(lab.paths(id, registry).journal, `\n${JSON.stringify(event)}\n`);
  return id;
}
const here = () => ['--registry-dir', registry];
const prune = (...args: string[]): Promise<Ended> =>
  lab.mam('prune', '--older-than', '30d', ...here(), ...args);
const json = async (...args: string[]) => JSON.parse((await prune('--json', ...args)).stdout);
const folders = (): string[] =>
  readdirSync(registry)
    .filter((name) => !name.startsWith('.'))
    .sort();
const ids = (jobs: { job_id: string }[]): string[] => jobs.map(({ job_id }) => job_id).sort();

describe('mam prune', () => {
  // One hub for all: each test has its own registry.
  beforeAll(makeLab);
  beforeEach(() => {
    registry = join(lab.folder, `registry-${++count}`);
    mkdirSync(registry);
  });
  afterAll(() => lab.end());

  test.each([
    [['--older-than'], '--older-than has no value'],
    [[], '--older-than is missing'],
    [
      ['--older-than', 'soon'],
      '"soon" is neither an age nor a date. Give an age in s, m, h, d or w, such as 5m',
    ],
    [['--older-than', '5min'], '"5min" is neither'],
    [['--older-than', '2999-01-01'], '"2999-01-01" is in the future'],
    [['--older-than', '30d', 'roof'], 'Unexpected argument'],
  ])('wrong usage %j is 64 and starts nothing', async (args, words) => {
    const before = lab.hubs;
    const ended = await lab.mam('prune', ...args);
    expect(ended).toMatchObject({ code: 64, stderr: expect.stringContaining(words) });
    expect(lab.hubs).toEqual(before);
  });

  test('removes what has ended long ago, and nothing else', async () => {
    // The project's own registry, which needs no option.
    registry = lab.registry;
    const prune = (...args: string[]) => lab.mam('prune', '--older-than', '30d', ...args);
    const json = async (...args: string[]) => JSON.parse((await prune('--json', ...args)).stdout);
    plantEnded('done', 31);
    plantEnded('failed', 90, 'error');
    plantEnded('young', 29);
    plant(lab, 'open');
    const logs = join(lab.folder, 'logs');
    mkdirSync(logs);
    plantEnded('elsewhere', 40, 'completed', join(logs, 'elsewhere'));
    mkdirSync(join(logs, 'elsewhere'));
    writeFileSync(join(logs, 'elsewhere', 'validate.log'), 'kept');
    // Foreign content, in the registry itself and in place of a job.
    lab.expected.push(/^p\/\.mam\/jobs\/notes\.txt$/);
    writeFileSync(join(registry, 'notes.txt'), 'mine');
    mkdirSync(join(registry, 'just-a-folder'));

    const before = folders();
    const dry = await json('--dry-run');
    expect(dry).toMatchObject({ count: 3, dry_run: true, kept: [], registry_dir: registry });
    expect(folders()).toEqual(before);
    const done = await json();
    expect(done.pruned).toEqual(dry.pruned);
    // In the order of the dates that their rows show.
    expect(done.pruned.map(({ job_id }: Json) => job_id)).toEqual(['failed', 'elsewhere', 'done']);
    expect(done.bytes).toBeGreaterThan(3 * 500);
    expect(folders()).toEqual(['just-a-folder', 'notes.txt', 'open', 'young']);
    expect(readFileSync(join(logs, 'elsewhere', 'validate.log'), 'utf8')).toBe('kept');
    expect(existsSync(join(registry, '.trash'))).toBe(false);
    // A second time: nothing is left to prune.
    expect((await prune()).stdout).toMatch(/^Pruned 0 jobs \(0 B\) that ended before .*\.\n$/);
    expect((await lab.json('list')).total).toBe(2);
  });

  test('keeps and names what it cannot read whole, or what contains files of others', async () => {
    for (const id of ['torn', 'foreign', 'texts', 'linked', 'blocked', 'good', 'lost']) plantEnded(id, 40);
    appendFileSync(lab.paths('torn', registry).journal, '\n{"seq":3,"ty\n');
    writeFileSync(lab.paths('blocked', registry).journal, 'no journal\n');
    writeFileSync(join(registry, 'foreign', 'report.md'), 'of the peer');
    mkdirSync(join(registry, 'texts', 'texts'));
    writeFileSync(join(registry, 'texts', 'texts', 'a'.repeat(64)), 'ours');
    symlinkSync('/etc', join(registry, 'linked', 'texts'));
    writeFileSync(join(registry, 'lost', 'job.json'), '{}');
    unlinkSync(lab.paths('lost', registry).journal);

    const { pruned, kept } = await json();
    expect(ids(pruned)).toEqual(['good', 'texts']);
    expect(ids(kept)).toEqual(['blocked', 'foreign', 'linked', 'lost', 'torn']);
    const why = Object.fromEntries(kept.map((one: { job_id: string; why: string }) => [one.job_id, one.why]));
    expect(why).toMatchObject({
      torn: expect.stringMatching(/Line \d+ of .* cannot be read/),
      blocked: expect.stringContaining('cannot be read'),
      foreign: expect.stringContaining('report.md'),
      linked: expect.stringContaining('texts'),
      lost: 'Its journal is missing.',
    });
    expect(existsSync('/etc/passwd')).toBe(true);
    const { code, stderr } = await prune();
    expect(code).toBe(0);
    expect(stderr.match(/^mam: \S+ is kept\. /gm)).toHaveLength(5);
  });

  test('a missing registry is not created', async () => {
    registry = join(lab.folder, 'none');
    expect(await prune()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Pruned 0 jobs/) });
    expect(existsSync(registry)).toBe(false);
  });

  test('one that cannot be written keeps its jobs', async () => {
    plantEnded('done', 40);
    writeFileSync(join(registry, '.trash'), 'in the way');
    const { kept, pruned } = await json();
    expect(pruned).toEqual([]);
    expect(kept).toMatchObject([{ job_id: 'done' }]);
    expect((await lab.mam('status', 'done', ...here())).code).toBe(0);
  });
});

describe('a running hub', () => {
  beforeEach(() => {
    makeLab();
    registry = lab.registry;
  });
  afterEach(() => lab.end());

  test('forgets a pruned job: a late report, a wait and its key find nothing, waiters of other jobs continue', async () => {
    const server = await lab.startServer();
    plant(lab, 'open');
    plant(lab, 'held');
    // In the hub's memory, just ended.
    await server.ask('publish_event', { job_id: 'held', event: 'completed', detail: 'done' });
    const args = { prompt: 'Mend the roof', agent: 'human', request_key: 'roof' };
    const { job_id: keyed } = await server.ask('delegate_job', args);
    await server.ask('publish_event', { job_id: keyed, event: 'completed' });
    const waits = server.ask('wait_job', { job_id: 'open' });
    const pruned = await until('both can go', async () => {
      const said = await lab.json('prune', '--older-than', '0m');
      return ['held', keyed].every((id) => !existsSync(lab.paths(id).journal)) && said;
    });
    expect(pruned.kept).toEqual([]);
    expect(folders()).toEqual(['open']);

    const late = await server.refusal('publish_event', { job_id: 'held', event: 'completed' });
    expect(late).toContain('There is no job with this id');
    expect(await server.refusal('wait_job', { job_id: 'held' })).toContain('no job');
    expect(await server.refusal('job_status', { job_id: keyed })).toContain('no job');
    // The same key makes a new job: the old one is gone.
    const again = await server.ask('delegate_job', args);
    expect(again).toMatchObject({ repeated: false });
    expect(again.job_id).not.toBe(keyed);
    expect((await server.ask('list_jobs', {})).total).toBe(2);
    await server.ask('publish_event', { job_id: 'open', event: 'completed' });
    expect(await waits).toMatchObject({ outcome: 'final', jobs: [{ job_id: 'open' }] });
    await lab.mam('hub', 'stop');
    expect(ids((await lab.json('list')).jobs)).toEqual(['open', again.job_id].sort());
  });

  test('killed in the middle: each job is whole or gone, the next hub continues', async () => {
    const jobs = Array.from({ length: 300 }, (_, n) => plantEnded(`job-${n}`, 40));
    const young = plantEnded('young', 1);
    // As with a job's record: a hub that is killed in the middle of a write leaves a temporary file.
    lab.expected.push(/^p\/\.mam\/jobs\/\.index\.jsonl\.[0-9a-f]{8}\.tmp$/);
    const run = lab.start(['prune', '--older-than', '30d', '--json']);
    for (const share of [0.9, 0.5]) {
      // More often than `until`: a hub is quick.
      while (folders().length >= jobs.length * share && run.child.exitCode === null) await pause(5);
      // All were gone before it could be killed: no other hub is needed.
      if (folders().length === 1) break;
      // The previous one may have got this far; the command then starts the next.
      await lab.hubPid();
      // During this check nobody starts the next hub, which would continue.
      run.child.kill('SIGSTOP');
      await lab.killHub();
      for (const id of folders()) {
        expect(lab.events(id)).toHaveLength(2);
        expect(existsSync(join(lab.registry, id, 'prompt.md'))).toBe(true);
      }
      run.child.kill('SIGCONT');
    }
    const { code, stderr } = await run.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(folders()).toEqual([young]);
    await until('the trash is gone', () => !existsSync(join(lab.registry, '.trash')));
    expect((await lab.json('list')).total).toBe(1);
  });

  test('prunes 700 jobs while others are served', async () => {
    for (let n = 0; n < 700; n++) plantEnded(`job-${n}`, 40);
    plant(lab, 'open');
    const server: LabServer = await lab.startServer();
    expect((await server.ask('list_jobs', { limit: 1 })).total).toBe(701);
    const run = lab.start(['prune', '--older-than', '30d', '--json']);
    const gone: number[] = [];
    let done = false;
    void run.ended.then(() => {
      done = true;
    });
    for (let n = 0; !done; n++) {
      await server.ask('publish_event', { job_id: 'open', event: 'progress', detail: `${n}` });
      gone.push(701 - folders().length);
    }
    expect(JSON.parse((await run.ended).stdout)).toMatchObject({ count: 700, kept: [] });
    expect(folders()).toEqual(['open']);
    // A prune without pauses would delay every report until all are gone.
    expect(new Set(gone.filter((count) => count > 0 && count < 700)).size).toBeGreaterThan(1);
  });

  test('answers a foreign cursor and an invalid time', async () => {
    plantEnded('done', 40);
    const server = await lab.startServer();
    await server.ask('list_jobs', {});
    const { socket, realm, host } = lab.hub();
    const ask = (params: object) =>
      requestOnce({
        ...{ address: { kind: 'socket', path: socket }, realm, host, command: 'prune', timeoutMs: 5_000 },
        params: { registry_dir: lab.registry, ...params },
      } as Parameters<typeof requestOnce>[0]);
    await expect(ask({ before: 'soon' })).rejects.toThrow('not a time');
    const foreign = ask({ before: new Date().toISOString(), cursor: '../x' });
    await expect(foreign).rejects.toThrow('not one of ours');
    expect(folders()).toEqual(['done']);
  });
});
