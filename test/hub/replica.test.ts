import { appendFileSync, cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkLineage } from '../../src/hub/delegation/lineage.ts';
import type { LiveJob } from '../../src/hub/jobs/live-job.ts';
import { pruneJobs } from '../../src/hub/jobs/prune.ts';
import { PaneOwners } from '../../src/hub/panes/pane-owners.ts';
import { draftEvent, type RecordedEvent } from '../../src/job/event.ts';
import { foldShown } from '../../src/registry/history.ts';
import { JobIndex } from '../../src/registry/job-index.ts';
import { newestJobs } from '../../src/registry/newest-jobs.ts';
import { openJobs } from '../../src/registry/open-jobs.ts';
import { jobPaths } from '../../src/registry/paths.ts';
import { recordText } from '../../src/registry/record-file.ts';
import { writeText } from '../../src/registry/texts.ts';
import { Story } from '../job/story.ts';
import { atHome, JOB_ID, lastOf, ReplicaHub } from '../support/replica.ts';
import { until } from '../support/until.ts';

let hub: ReplicaHub;
beforeEach(() => {
  hub = new ReplicaHub();
});
afterEach(() => hub.end());

const paths = () => jobPaths(hub.dir, JOB_ID);
const stored = () => JSON.parse(readFileSync(paths().replica, 'utf8'));
const lines = (): RecordedEvent[] =>
  readFileSync(paths().journal, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { mac: _, ...event } = JSON.parse(line);
      return event;
    });
const hasPointer = (): boolean => existsSync(join(hub.home.live, JOB_ID));

describe('a copy', () => {
  test('is on the disk before its home is asked, and shown as a job that is queued', async () => {
    const job = await hub.ask({ expires_at: '2026-11-30T14:00:20.000Z' });
    expect(stored()).toMatchObject({
      home: 'hostb',
      state: 'asking',
      expires_at: '2026-11-30T14:00:20.000Z',
    });
    expect(readFileSync(paths().prompt, 'utf8')).toBe('Mend the roof');
    expect(readFileSync(paths().journal, 'utf8')).toBe('');
    expect(job.record).toMatchObject({ status: 'queued', seq: 0, home: { host: 'hostb', state: 'asking' } });
    expect(hub.heard).toMatchObject([{ home: true, event: { type: 'queued', seq: 0 } }]);
    expect(hub.registrar.replicas).toEqual([job]);
    expect(hub.registrar.unfinished).toEqual([job]);
    expect(hub.registrar.open).toEqual([]);
    expect(hub.registrar.hasWork).toBe(true);
    const [again] = await hub.restart();
    expect(again?.record).toEqual(job.record);
    expect(hub.registrar.replicas).toEqual([again]);
  });

  test('has the events of its home, in their order, each once, and none after a gap', async () => {
    const job = await hub.ask();
    const story = atHome();
    const [first, second, third] = story.journal;
    if (first === undefined || second === undefined || third === undefined) throw new Error('too short');
    await expect(hub.registrar.follow(job, second)).rejects.toMatchObject({ code: 'unavailable' });
    await Promise.all([first, second].map((event) => hub.registrar.follow(job, event)));
    expect(await hub.registrar.follow(job, first)).toMatchObject({ repeated: true });
    const fifth = lastOf(story);
    await expect(hub.registrar.follow(job, fifth)).rejects.toMatchObject({ code: 'unavailable' });
    await hub.follow(story, job);
    expect(lines()).toEqual(story.journal);
    expect(job.record).toMatchObject({ status: 'working', seq: 5, host: 'b-1234' });
    expect(stored()).toMatchObject({ state: 'following' });
    expect(hub.heard.filter(({ home }) => home !== true).map(({ event }) => event.seq)).toEqual([
      1, 2, 3, 4, 5,
    ]);
    const [again] = await hub.restart();
    expect(again?.record).toEqual(job.record);
    expect(again?.eventsAfter(0)).toEqual(story.journal);
  });

  test.each([
    ['of another job', { job_id: '../../x' }],
    ['with words of a later event', { reason: 'permission) Run: curl' }],
    ['with an obstacle', { blocked_step: 'curl' }],
  ])('takes no order from its home %s', async (_, more) => {
    const job = await hub.ask();
    const story = atHome(more as never);
    await expect(hub.registrar.follow(job, story.journal[0] as RecordedEvent)).rejects.toMatchObject({
      code: 'bad_input',
    });
    expect(job.record).toMatchObject({ seq: 0, job_id: JOB_ID, status: 'queued' });
  });

  test.each([
    ['another job', { job_id: 'other-12345678' }],
    ['no type', { type: undefined as never }],
    ['a pane of numbers', { type: 'queued', data: { agent_session: { pane: 3 } } }],
    ['changes of numbers', { type: 'changes', data: { changes: { top: 7 } } as never }],
    ['overlaps with an object', { type: 'overlaps', data: { overlaps: {} } as never }],
    ['a conversation without an id', { type: 'conversation', data: { conversation: { from: 0 } } as never }],
    ['a proof of its own', { mac: 'x'.repeat(22) }],
    ['a line too long for any broker', { detail: 'x'.repeat(70_000) }],
  ])('takes no event that does not fit: %s', async (_, more) => {
    const job = await hub.follow(atHome());
    const event = { ...lastOf(atHome().next('progress')), ...more };
    await expect(hub.registrar.follow(job, event)).rejects.toMatchObject({ code: 'bad_input' });
    expect(job.record.seq).toBe(5);
    expect(lines()).toHaveLength(5);
    await hub.follow(atHome().next('progress'), job);
    expect(job.record.seq).toBe(6);
  });

  test('begins with the order of its home and with nothing else', async () => {
    const job = await hub.ask();
    const event = { ...lastOf(new Story()), type: 'started' };
    await expect(hub.registrar.follow(job, event)).rejects.toMatchObject({ code: 'bad_input' });
    expect(job.record).toMatchObject({ status: 'queued', home: { state: 'asking' } });
  });

  test('is written by nobody else here', async () => {
    const job = await hub.follow(atHome());
    const { registrar } = hub;
    await expect(registrar.record(job, draftEvent(JOB_ID, 'cancelled', {}))).rejects.toMatchObject({
      code: 'internal',
    });
    expect(await registrar.note(job, 'stalled')).toBeUndefined();
    expect(hub.logged.join('\n')).toContain('not recorded');
    await expect(registrar.findOwn(JOB_ID)).rejects.toMatchObject({ code: 'refused' });
    expect(await registrar.find(JOB_ID)).toBe(job);
    expect(lines()).toHaveLength(5);
  });

  test('does not have the pane here that has the same name as its own', async () => {
    const process = { pid: 4242, start: '1', command: 'codex', pane_pid: 4241 };
    const job = await hub.follow(atHome({ agent_process: process }));
    const owners = new PaneOwners(() => hub.registrar.open);
    const origin = { pane: '%3', socket: '/tmp/tmux-1000/default', pids: [4242] };
    expect(owners.openJobOf(origin)).toBeUndefined();
    expect(owners.parentOf(origin)).toBeUndefined();
    expect(job.record).not.toHaveProperty('agent_process');
  });

  test('may be above a job here: its pane is not in the way, that of its supervisor is', async () => {
    const pane = { socket: '/tmp/tmux-1000/default', pane: '%1' };
    const copy = await hub.ask({}, { supervisor: { client: 'test', session: 's', ...pane } });
    await hub.follow(atHome(), copy);
    const order = { ...hub.order(), job_id: 'guest-12345678', parent_job_id: JOB_ID };
    const parent = hub.registrar.create(order, 'Mend it');
    parent.uncork();
    await parent.kept;
    const job = (id: string) => hub.registrar.held(id);
    const family = { open: hub.registrar.unfinished, parent, delegator: undefined, host: 'hosta', job };
    const to = (target: string) => () =>
      checkLineage({ supervisor: order.supervisor }, { ...pane, pane: target }, family);
    expect(to('%3')).not.toThrow();
    expect(to('%1')).toThrow('your own work comes from');
  });

  test('that was never taken has failed, until its home shows it after all', async () => {
    const job = await hub.ask();
    const verdict = { at: '2026-11-30T14:01:00.000Z', detail: 'hostb never took it' };
    await hub.registrar.setReplica(job, { state: 'ended', never_taken: verdict });
    expect(job.record).toMatchObject({ status: 'failed', reason: 'delivery_failed', detail: verdict.detail });
    await until('its pointer goes', () => !hasPointer());
    expect(hub.registrar.unfinished).toEqual([]);
    expect(foldShown(hub.dir, JOB_ID, hub.home).record).toMatchObject({ reason: 'delivery_failed' });
    await hub.restart();
    const found = await hub.registrar.find(JOB_ID);
    expect(found.record).toMatchObject({ status: 'failed', final_at: verdict.at });
    await hub.follow(atHome(), found);
    expect(found.record).toMatchObject({ status: 'working', home: { state: 'following' } });
    expect(stored()).not.toHaveProperty('never_taken');
    expect(hasPointer()).toBe(true);
    expect((await hub.restart()).map(({ record }) => record.status)).toEqual(['working']);
  });

  test('whose first event was written before a kill follows its home', async () => {
    const job = await hub.ask();
    await hub.registrar.setReplica(job, { never_taken: { at: job.record.created_at, detail: 'no' } });
    const asked = readFileSync(paths().replica);
    await hub.follow(atHome(), job);
    writeFileSync(paths().replica, asked);
    const [again] = await hub.restart();
    expect(again?.record).toMatchObject({ status: 'working', home: { state: 'following' } });
  });

  test('tells whoever follows it what no event says, and leaves the journal alone', async () => {
    const job = await hub.follow(atHome());
    hub.heard.length = 0;
    const { registrar } = hub;
    const since = '2026-11-30T14:03:00.000Z';
    await registrar.setReplica(job, { offline_since: since, episode: 1 });
    await registrar.setReplica(job, { offline_since: since });
    await registrar.setReplica(job, { offline_since: undefined }, { tell: false });
    await registrar.setReplica(job, { synced_at: since });
    expect(hub.heard).toMatchObject([
      { home: true, event: { type: 'host_offline', seq: 5 }, after: { home: { online: false, episode: 1 } } },
    ]);
    expect(job.record.home).toEqual({
      host: 'hostb',
      state: 'following',
      online: true,
      episode: 1,
      synced_at: since,
    });
    expect(stored()).not.toHaveProperty('synced_at');
    expect(lines()).toHaveLength(5);
    await hub.restart(false);
    expect(stored()).toMatchObject({ synced_at: since });
  });

  test('keeps how far its supervisor was notified in its own state', async () => {
    const process = { pid: 1, start: '1', command: 'claude', pane_pid: 1 };
    const notify = { pane: '%1', socket: '/tmp/a', agent: 'claude', process, typing: {} };
    const job = await hub.ask({}, { notify });
    await hub.follow(atHome().next('question', { source: 'peer', detail: 'Which roof?' }), job);
    const note = (data: object) =>
      hub.registrar.record(job, { ...draftEvent(JOB_ID, 'notified', {}), data } as never);
    await note({ seq: 6, episode: 0, how: 'typing', line: 'Job …' });
    expect(stored()).toMatchObject({ notified_seq: 6, notifying: 'Job …' });
    const [again] = await hub.restart();
    expect(again?.record).toMatchObject({ notified_seq: 6, notifying: 'Job …', notify: { pane: '%1' } });
    if (again === undefined) throw new Error('not found');
    await hub.registrar.record(again, {
      ...draftEvent(JOB_ID, 'notified', { data: { seq: 6, how: 'typed' } }),
    });
    expect(again.record).not.toHaveProperty('notifying');
    expect(lines()).toHaveLength(6);
  });

  test("whose hub was killed before it wrote what is this hub's own is written by the next one", async () => {
    const job = await hub.follow(atHome().next('completed', { source: 'peer' }));
    const write = () => writeFileSync(paths().record, recordText(job.record, hub.seal, job.signer));
    write();
    await hub.registrar.setReplica(job, { state: 'ended' });
    const [again] = await hub.restart();
    expect(again?.record.home?.state).toBe('ended');
    expect(again?.isWritten).toBe(false);
    write();
    await hub.restart();
    await until('its pointer goes', () => !hasPointer());
  });

  test('has its pointer until nothing is missing, though the job has ended', async () => {
    const job = await hub.follow(atHome().next('completed', { source: 'peer' }));
    expect(job.record.status).toBe('completed');
    expect(hub.registrar.replicas).toEqual([job]);
    const [again] = await hub.restart();
    expect(again?.record.status).toBe('completed');
    if (again === undefined) throw new Error('not found');
    await hub.registrar.setReplica(again, { state: 'ended' });
    await until('its pointer goes', () => !hasPointer());
    expect(hub.registrar.hasWork).toBe(false);
  });

  test('keeps the line of a long event as it is, and says which text has not come', async () => {
    const text = 'A long result. '.repeat(500);
    const other = join(hub.folder, 'texts');
    const hash = await writeText(other, text);
    const story = atHome().next('completed', {
      source: 'peer',
      result: text.slice(0, 400),
      texts: { result: hash },
    });
    await hub.follow(story);
    expect(lines().at(-1)).toEqual(lastOf(story));
    const shown = () => foldShown(hub.dir, JOB_ID, hub.home).record;
    expect(shown().result_file).toBe(join(paths().texts, hash));
    expect(shown().result).toContain('has not come from hostb yet');
    await writeText(paths().texts, text);
    expect(shown().result).not.toContain('has not come');
  });

  test('that is lost is listed as that by every later hub, behind the jobs that go on', async () => {
    const job = await hub.follow(atHome());
    await hub.registrar.setReplica(job, { state: 'lost' });
    await until('its pointer goes', () => !hasPointer());
    const order = { ...hub.order(), job_id: 'mend-it-12345678' };
    const other = hub.registrar.create(order, 'Mend it');
    other.uncork();
    await other.kept;
    await hub.restart();
    const index = await hub.registrar.index(hub.dir);
    const rows = index.newest(5).map((row) => hub.registrar.present(row));
    expect(rows.find(({ job_id }) => job_id === JOB_ID)).toMatchObject({ reason: 'lost', host: 'hostb' });
    await index.write();
    expect(newestJobs(hub.dir, hub.home.folder, 5).map(({ job_id }) => job_id)).toEqual([other.id, JOB_ID]);
  });

  test('that its home has refused leaves nothing', async () => {
    const job = await hub.ask();
    await hub.registrar.removeReplica(job);
    expect(existsSync(paths().folder)).toBe(false);
    expect(hasPointer()).toBe(false);
    expect(hub.registrar.hasWork).toBe(false);
    await hub.ask();
  });
});

describe('a hub that was killed', () => {
  test.each([
    ['before anything was written', [] as const],
    ['with only the task', ['prompt'] as const],
    ['with only the state', ['replica'] as const],
    ['before the journal', ['prompt', 'replica'] as const],
  ])('while a copy was made leaves nothing: %s', async (_, kept) => {
    await hub.ask();
    for (const name of ['prompt', 'replica', 'journal'] as const)
      if (!kept.some((one) => one === name)) rmSync(paths()[name], { force: true });
    rmSync(paths().record, { force: true });
    if (kept.length > 0) writeFileSync(`${paths().replica}.0123abcd.tmp`, '{');
    expect(await hub.restart()).toEqual([]);
    expect(existsSync(paths().folder)).toBe(false);
    expect(hasPointer()).toBe(false);
  });

  test('during an event leaves the events before it', async () => {
    await hub.follow(atHome());
    appendFileSync(paths().journal, '\n{"seq":6,"event_id":"e6","jo');
    const [again] = await hub.restart();
    if (again === undefined) throw new Error('not found');
    expect(again.record.seq).toBe(5);
    await hub.follow(atHome().next('progress', { source: 'peer', detail: 'On it' }), again);
    expect((await hub.restart())[0]?.record).toMatchObject({ seq: 6, detail: 'On it' });
  });

  test('and has lost its pointers finds the open copies', async () => {
    await hub.follow(atHome());
    rmSync(join(hub.home.live, JOB_ID));
    expect(await hub.restart()).toEqual([]);
    await hub.registrar.missing.search.all(true);
    expect((await hub.registrar.missing.comeBack()).map(({ replica }) => replica?.home)).toEqual(['hostb']);
  });
});

describe('on the disk, a copy and a job of this home are never taken for one another', () => {
  const shown = () => foldShown(hub.dir, JOB_ID, hub.home);
  const isHistoryNow = async (): Promise<void> => {
    const { record } = shown();
    expect(record.reason).toBe('history');
    expect(record).not.toHaveProperty('home');
    expect(await hub.restart()).toEqual([]);
    const job = await hub.registrar.find(JOB_ID, hub.dir);
    expect([job.isHistory, job.replica]).toEqual([true, undefined]);
    expect(hub.registrar.replicas).toEqual([]);
    expect(hub.registrar.open).toEqual([]);
  };
  const ownJob = async (): Promise<LiveJob> => {
    await hub.registrar.ready(hub.dir);
    const job = hub.registrar.create(hub.order(), 'Mend the roof');
    job.uncork();
    await job.kept;
    return job;
  };

  test('a copy without its state is history', async () => {
    const job = await hub.follow(atHome());
    writeFileSync(paths().record, recordText(job.record, hub.seal, job.signer));
    rmSync(paths().replica);
    await isHistoryNow();
  });

  test('a copy that nobody has shown, without its state, is nothing', async () => {
    await hub.ask();
    rmSync(paths().replica);
    expect(await hub.restart()).toEqual([]);
    await expect(hub.registrar.find(JOB_ID, hub.dir)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('a job of this home beside the state of a copy is history', async () => {
    const other = new ReplicaHub();
    try {
      // The same key: a state that this home has proven for a copy of this very id.
      cpSync(hub.home.folder, other.home.folder, { recursive: true });
      await other.restart();
      const copy = await other.ask();
      await ownJob();
      cpSync(copy.paths.replica, paths().replica);
      await isHistoryNow();
    } finally {
      await other.end();
    }
  });

  test("a job of this home beside a stranger's state stays as it was", async () => {
    const job = await ownJob();
    const state = { home: 'evil', state: 'following', asked_at: job.record.created_at, episode: 0 };
    writeFileSync(paths().replica, JSON.stringify({ ...state, order: hub.order() }));
    const [again] = await hub.restart();
    expect(again?.replica).toBeUndefined();
    expect(hub.registrar.open).toEqual([again]);
    expect(shown().record).not.toHaveProperty('home');
  });

  test("a copy that came with a stranger's repository is history", async () => {
    const stranger = new ReplicaHub();
    try {
      await stranger.follow(atHome());
      await hub.registrar.ready(hub.dir);
      cpSync(join(stranger.dir, JOB_ID), paths().folder, { recursive: true });
      await isHistoryNow();
      const index = await hub.registrar.index(hub.dir);
      const [row] = index.inOrder();
      expect(row).toMatchObject({ job_id: JOB_ID, reason: 'history' });
      expect(row).not.toHaveProperty('host');
    } finally {
      await stranger.end();
    }
  });

  test('a line of a job of this home is none of a copy', async () => {
    const job = await hub.follow(atHome());
    const event = lastOf(atHome().next('completed', { source: 'peer' }));
    appendFileSync(paths().journal, `\n${hub.seal.sign(JOB_ID, JSON.stringify(event))}\n`);
    expect(job.record.seq).toBe(5);
    expect((await hub.restart())[0]?.record).toMatchObject({ seq: 5, status: 'working' });
  });
});

describe('without a hub', () => {
  test('lists and looks show a copy, and what is the matter with its host', async () => {
    const job = await hub.follow(atHome());
    const index = await hub.registrar.index(hub.dir);
    await hub.registrar.setReplica(job, { offline_since: '2026-11-30T14:03:00.000Z', episode: 1 });
    await until('the row follows', () => [...index.inOrder()][0]?.reason === 'host_offline');
    await hub.registrar.close();
    const row = { job_id: JOB_ID, status: 'working', reason: 'host_offline', host: 'hostb', needs_you: true };
    const read = async () => [...(await JobIndex.load(hub.dir, hub.seal)).inOrder()];
    expect(await read()).toMatchObject([row]);
    expect(openJobs(hub.home)).toMatchObject([{ job_id: JOB_ID, home: { online: false } }]);
    expect(newestJobs(hub.dir, hub.home.folder, 5)).toMatchObject([
      { job_id: JOB_ID, home: { online: false } },
    ]);
    // The state has changed since, and no hub has listed it.
    await hub.restart();
    const again = await hub.registrar.find(JOB_ID);
    await again.ownPart.change({ offline_since: undefined });
    expect(await read()).toMatchObject([{ reason: undefined, host: 'hostb' }]);
  });
});

describe('its registry', () => {
  test('may be moved, and the copy goes on in its new place', async () => {
    const job = await hub.follow(atHome());
    renameSync(hub.project, join(hub.folder, 'moved'));
    const moved = join(hub.folder, 'moved', '.mam', 'jobs');
    await hub.follow(atHome().next('progress'), job);
    await hub.registrar.setReplica(job, {
      state: 'following',
      offline_since: job.record.created_at,
      episode: 1,
    });
    expect(job.registryDir).toBe(moved);
    expect(job.record).toMatchObject({ registry_dir: moved, log_dir: join(moved, JOB_ID), seq: 6 });
    expect(JSON.parse(readFileSync(jobPaths(moved, JOB_ID).replica, 'utf8'))).toMatchObject({ episode: 1 });
    expect((await hub.restart()).map(({ registryDir }) => registryDir)).toEqual([moved]);
  });

  test('may be away: the copy waits for it', async () => {
    await hub.follow(atHome());
    const away = join(hub.folder, 'elsewhere', 'deep');
    await hub.registrar.close();
    cpSync(hub.dir, away, { recursive: true });
    rmSync(hub.dir, { recursive: true });
    expect(await hub.restart()).toEqual([]);
    expect(hub.registrar.hasWork).toBe(true);
    expect(hasPointer()).toBe(true);
  });

  test('has its files again when they were removed', async () => {
    const job = await hub.follow(atHome());
    rmSync(paths().journal);
    await hub.follow(atHome().next('progress'), job);
    expect(lines()).toHaveLength(6);
    rmSync(hub.dir, { recursive: true });
    await hub.follow(atHome().next('progress').next('progress'), job);
    expect(stored()).toMatchObject({ home: 'hostb', state: 'following' });
    expect((await hub.restart())[0]?.record).toMatchObject({ seq: 7, home: { host: 'hostb' } });
  });

  test('loses the copy alone when that is removed by hand', async () => {
    const job = await hub.follow(atHome());
    hub.heard.length = 0;
    rmSync(paths().folder, { recursive: true });
    hub.registrar.onTick();
    expect(hub.heard).toMatchObject([{ home: true, after: { home: { state: 'lost' } } }]);
    expect(job.isRetired).toBe(true);
    expect(hasPointer()).toBe(false);
    expect(hub.registrar.replicas).toEqual([]);
  });

  test.each([
    ['complete', { state: 'ended' } as const, true],
    ['lost', { state: 'lost' } as const, false],
  ])('is pruned of a copy that is %s', async (_, change, isEnded) => {
    const job = await hub.follow(isEnded ? atHome().next('completed', { source: 'peer' }) : atHome());
    const log = { info() {}, warn() {}, error() {} };
    const prune = () =>
      pruneJobs(
        { registrar: hub.registrar, log, dropTree: async () => {} },
        {
          ...{ registry_dir: hub.dir, before: new Date(Date.now() + 60_000).toISOString(), dry_run: false },
        },
      );
    if (!isEnded) expect((await prune()).pruned).toEqual([]);
    await hub.registrar.setReplica(job, change);
    const index = await hub.registrar.index(hub.dir);
    await until('the row follows', () =>
      [...index.inOrder()].every(({ final_at }) => final_at !== undefined),
    );
    expect(await prune()).toMatchObject({ pruned: [{ job_id: JOB_ID }], kept: [] });
    expect(existsSync(paths().folder)).toBe(false);
    expect(await hub.restart()).toEqual([]);
  });
});
