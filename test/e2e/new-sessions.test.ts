import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { Json } from '../support/lab-server.ts';
import { test } from '../support/lab-test.ts';
import { attachClient, detachClient, robotKind, sessionsIn } from '../support/robots.ts';
import { until } from '../support/until.ts';

/** Registers a job that gets a session of its own. @returns its id */
async function submit(lab: Lab, agent: string, ...options: string[]): Promise<string> {
  const words = ['submit', 'Mend the roof', '--agent', agent, '--new', '--no-wait', ...options];
  return String((await lab.json(...words))['job_id']);
}

/** As it is on the disk. */
const recordOf = (lab: Lab, id: string): Json =>
  JSON.parse(readFileSync(join(lab.registry, id, 'job.json'), 'utf8'));

/** The events of a job, in their order. */
const eventsOf = (lab: Lab, id: string): Json[] =>
  readFileSync(join(lab.registry, id, 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** The name of a job's own session. */
const nameOf = (id: string, kind = 'robot') => `${kind}-${id.slice(0, 8)}`;

const isDone = (lab: Lab, id: string) => () => recordOf(lab, id)['status'] === 'completed';
const areGone = (lab: Lab) => async () => (await sessionsIn(lab)).length === 0;

/** The most of these jobs that had a session at once, by the journals. */
function mostAtOnce(lab: Lab, ids: readonly string[]): number {
  const steps = ids.flatMap((id) =>
    eventsOf(lab, id).flatMap(({ type, data, recorded_at: at }) => {
      if (type === 'prepared' && data.prepared === 'pool') return [{ at, by: 1 }];
      return type === 'session_ended' ? [{ at, by: -1 }] : [];
    }),
  );
  // What ends in the same millisecond has ended before the next one begins.
  steps.sort((a, b) => a.at.localeCompare(b.at) || a.by - b.by);
  let now = 0;
  return Math.max(...steps.map(({ by }) => (now += by)));
}

/** How many orders each robot has read, and how many jobs it has completed. */
const worked = (lab: Lab) =>
  readdirSync(lab.folder)
    .filter((name) => name.startsWith('robot-'))
    .map(
      (name) => readFileSync(join(lab.folder, name), 'utf8').match(/"reported":"completed"/g)?.length ?? 0,
    );

describe('a new session', () => {
  test('is started for the job, used once, and ended when someone has looked at its end', async ({ lab }) => {
    lab.configure({ agents: { robot: robotKind(lab) } });
    const id = await submit(lab, 'robot');
    await until('it is done', isDone(lab, id));
    expect(recordOf(lab, id)).toMatchObject({ agent_session: { session: nameOf(id) } });
    expect(await sessionsIn(lab)).toEqual([nameOf(id)]);
    const [row] = (await lab.json('agents'))['agents'] as Json[];
    expect(row).toMatchObject({
      ...{ agent: 'robot', started_by_us: true, made_for: id },
      stays: 'nobody has looked at the end of the job',
    });
    expect((await lab.mam('status', id)).code).toBe(0);
    await until('its session has ended', areGone(lab));
    await until('the record says so', () => recordOf(lab, id)['session_end']);
    expect(recordOf(lab, id)['session_end']).toMatchObject({ how: 'ended' });
    expect(worked(lab)).toEqual([1]);
  });

  test('is ended after the wait of its supervisor, and after mam submit that waits', async ({
    lab,
    server,
  }) => {
    lab.configure({ agents: { robot: robotKind(lab) } });
    const job = { prompt: 'Mend it', agent: 'robot', session: 'new' };
    const { job_id } = await server.ask('delegate_job', job);
    expect((await server.ask('wait_job', { job_id })).jobs[0].status).toBe('completed');
    await until('its session has ended', areGone(lab));
    expect((await lab.mam('submit', 'Mend it', '--agent', 'robot', '--new')).code).toBe(0);
    await until('that one has ended as well', areGone(lab));
  });

  test('ten jobs have three at once, each its own, in their order, though the hub is killed', async ({
    lab,
    server,
  }) => {
    lab.configure({ agents: { robot: robotKind(lab) } });
    const ids: string[] = [];
    for (let n = 1; n <= 10; n++) {
      const job = { prompt: `Mend roof ${n}`, agent: 'robot', session: 'new', max: 3 };
      const { job_id, summary, ...answer } = await server.ask('delegate_job', job);
      ids.push(job_id);
      if (answer['blocked_by'] === 'pool') expect(summary).toContain('waits for a free session');
    }
    await until('some are done, and some wait', () => {
      const states = ids.map((id) => recordOf(lab, id));
      return (
        states.some(({ status }) => status === 'completed') &&
        states.some(({ status }) => status === 'queued')
      );
    });
    await lab.killHub();
    // Nobody looks meanwhile: those that are done give way to those that wait.
    await lab.json('agents');
    const ended = (id: string) => ['completed', 'failed'].includes(recordOf(lab, id)['status']);
    await until('all have ended', () => ids.every(ended));
    // One that was just being started when the hub was killed has failed.
    const failed = ids.filter((id) => !isDone(lab, id)());
    expect(failed.length).toBeLessThanOrEqual(3);
    expect((await sessionsIn(lab)).length).toBeLessThanOrEqual(3);
    expect(mostAtOnce(lab, ids)).toBeLessThanOrEqual(3);
    expect(mostAtOnce(lab, ids)).toBeGreaterThan(1);
    const turns = ids.map((id) => eventsOf(lab, id).find(({ type }) => type === 'prepared')?.['recorded_at']);
    expect(turns).toEqual([...turns].sort());
    const done = worked(lab);
    expect(Math.max(...done)).toBe(1);
    expect(done.filter((count) => count === 1)).toHaveLength(10 - failed.length);
    for (const id of ids) await lab.mam('status', id);
    await until('all sessions have ended', areGone(lab));
  });

  test('stays with --keep, also beyond the limit, and mam stop ends it', async ({ lab }) => {
    lab.configure({ agents: { robot: robotKind(lab) }, max_new_sessions: 1 });
    const kept = await submit(lab, 'robot', '--keep');
    await until('it is done', isDone(lab, kept));
    const next = await submit(lab, 'robot');
    await until('the next one is done', isDone(lab, next));
    for (const id of [kept, next]) await lab.mam('status', id);
    await until('only the kept one is there', async () => (await sessionsIn(lab)).length === 1);
    expect(await sessionsIn(lab)).toEqual([nameOf(kept)]);
    const [row] = (await lab.json('agents'))['agents'] as Json[];
    expect(row).toMatchObject({ started_by_us: true, target: `tmux:${row?.['agent_session'].pane}` });
    expect((await lab.mam('stop', nameOf(kept))).code).toBe(0);
    expect(await sessionsIn(lab)).toEqual([]);
  });

  test('is left while a person uses it, and ended after that', async ({ lab }) => {
    lab.configure({ agents: { robot: robotKind(lab) } });
    const [watched, drafted, split] = [
      await submit(lab, 'robot'),
      await submit(lab, 'robot'),
      await submit(lab, 'robot'),
    ];
    const ids = [watched, drafted, split];
    for (const id of ids) await until('it is done', isDone(lab, id));
    const client = await attachClient(lab, nameOf(watched));
    await lab.tmux('send-keys', '-t', `=${nameOf(drafted)}:`, 'and now');
    await lab.tmux('split-window', '-d', '-t', `=${nameOf(split)}:`, 'exec sleep 1000');
    for (const id of ids) await lab.mam('status', id);
    const stays = async () =>
      Object.fromEntries(
        ((await lab.json('agents'))['agents'] as Json[]).map((row) => [row['made_for'], row['stays']]),
      );
    await until('each is left, with the reason', async () => {
      expect(await stays()).toMatchObject({
        [watched]: 'somebody is attached to it',
        [drafted]: 'it shows no empty input box',
        [split]: 'its session has other panes',
      });
      return true;
    });
    await until('the log says so', () =>
      readFileSync(join(lab.home, 'hub.log'), 'utf8').includes(
        `session ${nameOf(watched)} of job ${watched} is left: somebody is attached to it`,
      ),
    );
    expect(await sessionsIn(lab)).toHaveLength(3);
    await detachClient(lab, nameOf(watched), client);
    // A hub that nobody needs ends; a look at the agents starts the next one.
    const looked = async () => (await lab.json('agents')) && sessionsIn(lab);
    await until('the first one has ended', async () => !(await looked()).includes(nameOf(watched)));
    expect(await sessionsIn(lab)).toHaveLength(2);
    for (const id of [drafted, split]) await lab.tmux('kill-session', '-t', `=${nameOf(id)}`);
    await until('the hub has seen it', async () => {
      await looked();
      return recordOf(lab, split)['session_end']?.how === 'gone';
    });
  });

  test('whose job was looked at is ended by the next hub, if the first one is killed', async ({ lab }) => {
    lab.configure({ agents: { robot: robotKind(lab) } });
    const id = await submit(lab, 'robot');
    await until('it is done', isDone(lab, id));
    const client = await attachClient(lab, nameOf(id));
    await lab.mam('status', id);
    await until('the look is recorded', () => recordOf(lab, id)['looked_seq']);
    await lab.killHub();
    await detachClient(lab, nameOf(id), client);
    expect(await sessionsIn(lab)).toEqual([nameOf(id)]);
    await lab.json('agents');
    await until('its session has ended', areGone(lab));
  });

  test('of a job that has failed is ended as well, once its agent is idle', async ({ lab }) => {
    lab.configure({ agents: { quiet: robotKind(lab, '--report', 'started') } });
    const id = await submit(lab, 'quiet', '--timeout', '1');
    await until('its time is up', () => recordOf(lab, id)['reason'] === 'timeout');
    await lab.mam('status', id);
    await until('its idle agent is gone', areGone(lab));
  });

  test('is refused together with what contradicts it', async ({ lab }) => {
    lab.configure({ agents: { robot: robotKind(lab) }, max_new_sessions: 2 });
    const refused = async (...words: string[]) => (await lab.mam('submit', 'Mend it', ...words)).stderr;
    expect(await refused('--new', '--agent', 'robot', '--agent-session', 'tmux:other')).toContain(
      'A new session cannot be one that is named.',
    );
    expect(await refused('--new', '--agent', 'human')).toContain('A person cannot be started.');
    expect(await refused('--max', '2', '--agent', 'robot')).toContain(
      'max and keep are about a new session.',
    );
    expect(await refused('--new', '--max', '3', '--agent', 'robot')).toContain(
      'The limit is 2 new sessions of a kind at once',
    );
    expect(await refused('--new', '--agent', 'command')).toContain(
      'It is not known how agent kind command is started.',
    );
    expect(await sessionsIn(lab)).toEqual([]);
  });

  test('whose predecessor fails names a command that delegates it again as it was', async ({ lab }) => {
    const reviewer = { extends: 'robot', preamble: 'Read only.' };
    lab.configure({ agents: { robot: robotKind(lab), reviewer } });
    const first = await lab.json('submit', 'Mend it', '--agent', 'human', '--no-wait');
    const id = await submit(lab, 'robot', '--max', '1', '--keep', '--after', first['job_id']);
    const review = await submit(lab, 'reviewer', '--after', first['job_id']);
    expect((await lab.mam('cancel', first['job_id'])).code).toBe(0);
    await until('that has failed as well', () => recordOf(lab, review)['reason'] === 'dependency_failed');
    // Its file would bring the preamble twice.
    expect(recordOf(lab, review)['detail']).toMatch(/prompt\.md, below the preamble \(`mam submit TASK /);
    await until('it has failed', () => recordOf(lab, id)['reason'] === 'dependency_failed');
    const [, words = ''] = /`mam (submit [^`]*)`/.exec(recordOf(lab, id)['detail']) ?? [];
    expect(words).toContain(`/${id}/prompt.md`);
    const again = await lab.json(...words.split(' '), '--no-wait');
    const record = recordOf(lab, again['job_id']);
    expect(record).toMatchObject({ new_session: { max: 1, keep: true }, prompt_preview: 'Mend the roof' });
    await until('it is done', isDone(lab, again['job_id']));
    expect((await lab.mam('stop', nameOf(again['job_id']))).code).toBe(0);
    await until('its session has ended', areGone(lab));
  });
});
