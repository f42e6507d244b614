import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isText, parseObject } from '../../src/base/json.ts';
import { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { plant } from '../support/plant.ts';
import { Repository } from '../support/repository.ts';
import { fill, mayMount, mountSmall, unmount } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

let lab: Lab;

const DELEGATE = { prompt: 'Do it', agent: 'command', agent_session: 'tmux:disk' };

describe('a registry that cannot be written', () => {
  beforeAll(async () => {
    lab = new Lab();
    await lab.startPeer('mute', { session: 'disk' });
  });
  afterAll(() => lab.end());

  test('is reported in one sentence with the next step; nothing is left behind', async () => {
    const file = join(lab.folder, 'a-file');
    lab.expected.push(/^a-file$/);
    writeFileSync(file, 'x');
    for (const registry of [file, join(file, 'jobs')]) {
      const server = await lab.startServer({ MAM_REGISTRY_DIR: registry });
      const text = await server.refusal('delegate_job', DELEGATE);
      const words =
        /^The registry .* cannot be written \((EEXIST|ENOTDIR)\)\. Fix .* or set MAM_REGISTRY_DIR/;
      expect(text).toMatch(words);
      const list = await lab.mam('list', '--registry-dir', registry);
      expect(list.stdout + list.stderr).not.toContain('    at ');
    }
    expect(readFileSync(file, 'utf8')).toBe('x');
    expect(lab.inHome('live')).toEqual([]);
  });

  test('is used once it is fixed, by the same server', async () => {
    const registry = join(lab.folder, 'fixed');
    lab.expected.push(/^fixed\//);
    writeFileSync(registry, 'x');
    const server = await lab.startServer({ MAM_REGISTRY_DIR: registry });
    await server.refusal('delegate_job', DELEGATE);
    rmSync(registry);
    const { job_id } = await server.ask('delegate_job', DELEGATE);
    expect(existsSync(join(registry, job_id, 'events.jsonl'))).toBe(true);
  });
});

describe.runIf(mayMount)('a full disk', () => {
  afterEach(() => lab.end());

  /** A lab whose home has its own small disk. */
  function withSmallHome(size: string): Lab {
    lab = new Lab();
    mountSmall(lab.home, size);
    lab.onEnd(() => unmount(lab.home));
    return lab;
  }

  async function onSmallDisk(): Promise<{ server: LabServer; registry: string }> {
    lab = new Lab();
    const disk = join(lab.folder, 'disk');
    mountSmall(disk, '256k');
    lab.onEnd(() => unmount(disk));
    const registry = join(disk, 'jobs');
    plant(lab, 'full', {}, registry);
    const server = await lab.startServer({ MAM_REGISTRY_DIR: registry });
    await server.ask('publish_event', { job_id: 'full', event: 'started' });
    return { server, registry };
  }

  test('delegate_job says so and leaves no folder; with room again it works', async () => {
    const { server, registry } = await onSmallDisk();
    await lab.startPeer('mute', { session: 'disk' });
    const makeRoom = fill(join(lab.folder, 'disk'));
    const text = await server.refusal('delegate_job', DELEGATE);
    expect(text).toContain(`The registry ${registry} cannot be written (ENOSPC).`);
    expect(text).toContain('free some space');
    expect(readdirSync(registry).filter((name) => name.endsWith('-do-it'))).toEqual([]);
    expect(lab.inHome('live')).toEqual(['full']);
    makeRoom();
    const { job_id } = await server.ask('delegate_job', DELEGATE);
    expect(readFileSync(join(registry, job_id, 'prompt.md'), 'utf8')).toBe('Do it');
  });

  test('that only MAM_HOME is on is named, and no folder, pointer or log folder is left', async () => {
    const { home, project } = withSmallHome('256k');
    const server = await lab.startServer({ MAM_LOGS_DIR: join(project, 'logs') });
    await lab.startPeer('mute', { session: 'disk' });
    const { job_id: first } = await server.ask('delegate_job', DELEGATE);
    const makeRoom = fill(home);
    const text = await server.refusal('delegate_job', { ...DELEGATE, prompt: 'Do more' });
    expect(text).toContain(`MAM_HOME ${home} cannot be written (ENOSPC). Free some space there`);
    const folders = readdirSync(lab.registry).filter((name) => name.includes('-do-'));
    expect(folders).toEqual([first]);
    expect(readdirSync(join(project, 'logs'))).toEqual([first]);
    expect(readdirSync(join(home, 'live'))).toEqual([first]);
    const other = await lab.startServer({ MAM_REGISTRY_DIR: join(project, 'other') });
    expect(await other.refusal('delegate_job', DELEGATE)).toContain(`MAM_HOME ${home} cannot be written`);
    makeRoom();
    expect((await server.ask('delegate_job', DELEGATE)).status).toBe('queued');
    await other.ask('delegate_job', { ...DELEGATE, prompt: 'Do it there' });
  });

  test('of MAM_HOME leaves nothing of a server that could not announce itself', async () => {
    const { home } = withSmallHome('256k');
    const first = await lab.startServer({ MAM_ROLE: 'peer' });
    await until('it has announced itself', () => lab.inHome('servers').length === 1);
    const makeRoom = fill(home);
    const second = await lab.startServer({ MAM_ROLE: 'peer' });
    await until('it could not', () => second.stderr.includes('ENOSPC'));
    expect(lab.inHome('servers')).toEqual([`${first.pid}.json`]);
    makeRoom();
  });

  test('of MAM_HOME refuses a job that would wait, and one that waits already goes on', async () => {
    const { home, project } = withSmallHome('256k');
    const server = await lab.startServer({ MAM_LOGS_DIR: join(project, 'logs') });
    const human = { prompt: 'Do it', agent: 'human' };
    const { job_id: first } = await server.ask('delegate_job', human);
    const { job_id: waiting } = await server.ask('delegate_job', { ...human, after: [first] });
    const makeRoom = fill(home);
    const refused = await server.refusal('delegate_job', { ...human, prompt: 'Do more', after: [first] });
    expect(refused).toContain(`MAM_HOME ${home} cannot be written (ENOSPC).`);
    expect(lab.jobIds().sort()).toEqual([first, waiting].sort());
    expect(lab.inHome('held')).toEqual([`${waiting}.json`]);
    expect((await lab.mam('done', first)).code).toBe(0);
    await lab.event(waiting, 'prepared');
    await until('it is handed over', () => lab.record(waiting).status === 'working');
    makeRoom();
    const { job_id: third } = await server.ask('delegate_job', { ...human, after: [waiting] });
    for (const id of [waiting, third]) {
      await until('it is handed over', () => lab.record(id).status === 'working');
      expect((await lab.mam('done', id)).code).toBe(0);
    }
    expect(lab.inHome('held')).toEqual([]);
  });

  test('of MAM_HOME or of a registry makes a job that is prepared wait, and fails none', async () => {
    lab = new Lab();
    const [held, other] = [join(lab.home, 'held'), join(lab.folder, 'other')];
    for (const place of [held, other]) {
      mountSmall(place, '256k');
      lab.onEnd(() => unmount(place));
    }
    const repo = new Repository({ place: realpathSync(lab.project), name: 'shop' });
    lab.expected.push(/^p\/\.home\//);
    const [server, there] = [await lab.startServer(), await lab.startServer({ MAM_REGISTRY_DIR: other })];
    const { job_id: first } = await server.ask('delegate_job', { prompt: 'Do it', agent: 'human' });
    const human = { agent: 'human', after: [first] };
    const tree = { ...human, prompt: 'Go on', workdir: repo.folder, worktree: 'x', base: 'HEAD' };
    const { job_id: inTree } = await server.ask('delegate_job', tree);
    const { job_id: named } = await there.ask('delegate_job', { ...human, prompt: `{{result:${first}}}` });
    const makeRoom = [fill(held), fill(other)];
    await (await lab.reporter).report(first, 'completed', { result: 'The roof is mended.' });
    const state = () => [lab.record(inTree), lab.record(named, other)];
    const log = () => readFileSync(join(lab.home, 'hub.log'), 'utf8');
    await until('both have met the full disk', () => {
      const [waits] = state();
      const isSeen = log().includes(named) || lab.record(named, other).detail?.includes('(ENOSPC)');
      return waits?.detail?.includes('(ENOSPC)') && isSeen;
    });
    expect(state()).toMatchObject([
      { status: 'queued', blocked_by: 'setup' },
      { status: 'queued', blocked_by: 'after' },
    ]);
    for (const room of makeRoom) room();
    await until('both are handed over', () => state().every(({ status }) => status === 'working'));
    expect(repo.git('worktree', 'list').split('\n')).toHaveLength(2);
    const task = String(lab.record(named, other).task_sha256);
    expect(readFileSync(join(other, named, 'texts', task), 'utf8')).toContain('The roof is mended.');
  });

  test('keeps reports in the outbox until there is room, in order, each once', async () => {
    const { server, registry } = await onSmallDisk();
    const other = await lab.startServer({ MAM_REGISTRY_DIR: registry });
    const waiter = other.ask('wait_job', { job_id: 'full', timeout_seconds: 45 });
    const answers: { detail: string; recorded: boolean; full: boolean }[] = [];
    let makeRoom: (() => void) | undefined;
    const lanes = [server, other].flatMap((client, s) =>
      ['a', 'b', 'c'].map(async (lane) => {
        for (let n = 1; n <= 40; n++) {
          if (n === 15 && lane === 'a' && s === 0) makeRoom = fill(join(lab.folder, 'disk'));
          // Of several lengths, so that the last block ends within a line.
          const detail = `${s}${lane}:${n}:${'x'.repeat((n * 37) % 300)}`;
          const full = makeRoom !== undefined;
          const answer = await client.ask('publish_event', { job_id: 'full', event: 'progress', detail });
          expect(answer.accepted).toBe(true);
          answers.push({ detail, recorded: answer.recorded, full });
        }
      }),
    );
    // One may also have been kept before the disk was full, because the hub was slow to answer.
    await until(
      'the outbox has some of the full disk',
      () => answers.some(({ recorded, full }) => full && !recorded),
      20_000,
    );
    // Longer than all of them: there may be room for some bytes.
    const shell = `shell:${'x'.repeat(1_900)}`;
    const kept = await lab.mam('publish', '--job', 'full', '--event', 'progress', '--detail', shell);
    expect(kept).toMatchObject({ code: 0, stderr: expect.stringContaining('ENOSPC') });
    makeRoom?.();
    await Promise.all(lanes);
    await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
    const end = await server.ask('publish_event', { job_id: 'full', event: 'completed', detail: 'end' });
    expect(end.accepted).toBe(true);
    expect(await waiter).toMatchObject({ outcome: 'final', jobs: [{ status: 'completed' }] });

    const details = readDetails(join(registry, 'full', 'events.jsonl'));
    expect(answers.filter(({ detail }) => !details.includes(detail))).toEqual([]);
    expect(details.filter((detail, n) => details.indexOf(detail) !== n)).toEqual([]);
    expect(details).toContain(shell);
    for (const lane of ['0a', '0b', '0c', '1a', '1b', '1c']) {
      const numbers = details
        .filter((detail) => detail.startsWith(`${lane}:`))
        .map((detail) => Number(detail.split(':')[1]));
      expect(numbers, lane).toEqual([...numbers].sort((x, y) => x - y));
    }
    // Nothing that was refused is half in the journal.
    const status = await lab.mam('status', '--job', 'full', '--json', '--registry-dir', registry);
    expect(JSON.parse(status.stdout).damage).toBeUndefined();
  });

  test('of MAM_HOME makes a check wait, even a late one across a kill, and says nothing about the work', async () => {
    withSmallHome('512k');
    const validate = lab.write('check.sh', `echo ran >> ${lab.project}/ran.txt\n`);
    const ran = () => existsSync(join(lab.project, 'ran.txt'));
    const server = await lab.startServer();
    const order = { prompt: 'Do it', agent: 'human', validate };
    const { job_id: open } = await server.ask('delegate_job', order);
    const lateOrder = { ...order, prompt: 'Late', timeout_seconds: 1 };
    const { job_id: late } = await server.ask('delegate_job', lateOrder);
    await server.ask('wait_job', { job_id: late });
    await until('nothing points to it', () => !existsSync(join(lab.home, 'live', late)));
    const makeRoom = fill(lab.home);
    const report = { event: 'completed', detail: 'done' };
    await server.ask('publish_event', { job_id: open, ...report });
    const told = await server.ask('publish_event', { job_id: late, ...report });
    expect(JSON.stringify(told)).toContain('amends that end if it passes its check');
    for (const id of [open, late]) expect(lab.record(id).phase).toBe('validating');
    expect(ran()).toBe(false);
    await lab.killHub();
    makeRoom();
    await server.ask('list_jobs');
    await until('both are checked', () => [open, late].every((id) => lab.record(id).status === 'completed'));
    expect(lab.record(late)).toMatchObject({ late: true, validation: { passed: true, rounds: 1 } });
    expect(lab.record(open).validation).toMatchObject({ passed: true, rounds: 1 });
  });

  test('with the outbox on it too: the report is refused in one sentence, and nothing is acknowledged', async () => {
    withSmallHome('256k');
    const registry = join(lab.home, 'jobs');
    plant(lab, 'full', {}, registry);
    const server = await lab.startServer({ MAM_REGISTRY_DIR: registry });
    await server.ask('publish_event', { job_id: 'full', event: 'started' });
    await until('the start is stored', () => lab.events('full', registry).length === 2);
    const makeRoom = fill(lab.home);
    // The last block of the journal may still have room for some lines, finally only for short ones.
    let text = '';
    const accepted: string[] = [];
    const recorded: string[] = [];
    for (const length of [1_990, 1_991, 1_992, 1_000, 500, 250, 100, 1]) {
      const detail = 'x'.repeat(length);
      const result = await server.call('publish_event', { job_id: 'full', event: 'progress', detail });
      if (result.isError === true) text = result.content[0].text;
      else accepted.push(detail);
      if (result.structuredContent?.recorded === true) recorded.push(detail);
    }
    // A hub that is slow to answer may also have stored what its publisher had to give up.
    const stored = () => readDetails(join(registry, 'full', 'events.jsonl'));
    expect(stored()).toEqual(expect.arrayContaining(recorded));
    expect(text).toContain('The event could not be stored anywhere');
    expect(text).toContain('ENOSPC');
    expect(text).toContain('then report again');
    const report = ['--job', 'full', '--event', 'progress', '--detail', 'x'.repeat(2_000)];
    const shell = await lab.mam('publish', ...report, '--registry-dir', registry);
    expect(shell.code).toBe(2);
    expect(shell.stderr).toContain('could not be stored anywhere');
    makeRoom();
    const after = await server.ask('publish_event', { job_id: 'full', event: 'completed', detail: 'again' });
    expect(after).toMatchObject({ accepted: true, status: 'completed' });
    await until('the last report is stored', () => stored().includes('again'));
    expect(stored()).toEqual(expect.arrayContaining(accepted));
    expect(stored()).toHaveLength(new Set(stored()).size);
  });
});

/** The details in a journal; lines that can't be read are left out. */
function readDetails(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.map((line) => parseObject(line)['detail']).filter(isText);
}
