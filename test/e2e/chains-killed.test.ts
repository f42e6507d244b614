import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { test } from '../support/lab-test.ts';
import { robotKind } from '../support/robots.ts';
import { pause, until } from '../support/until.ts';

/** Between a report that releases a job and the end of the hub, in ms: before, at and after each step of the release. */
const DELAYS = [0, 4, 8, 12, 20, 40, 80];

const forPerson = (server: LabServer, prompt: string) =>
  server.ask('delegate_job', { prompt, agent: 'human' });
const held = (lab: Lab) => readdirSync(join(lab.home, 'held'));
const isFinal = (lab: Lab, id: string) =>
  ['failed', 'completed', 'cancelled'].includes(lab.record(id).status);

describe('a hub that is killed', () => {
  test('while a job waits: the next one goes on, and releases what has ended meanwhile', async ({
    lab,
    server,
    reporter,
    peer,
  }) => {
    const a = await forPerson(server, 'job a');
    const b = await server.delegate(peer, { prompt: `{{result:${a.job_id}}}`, after: [a.job_id] });
    const c = await server.delegate(peer, { prompt: 'job c', after: [b.job_id] });
    for (let time = 0; time < 3; time++) {
      await lab.killHub();
      expect((await server.ask('job_status', { job_id: b.job_id })).blocked_by).toBe('after');
    }
    expect(held(lab)).toHaveLength(2);
    expect(lab.types(b.job_id)).toEqual(['queued', 'blocked']);
    await lab.killHub();
    await reporter.report(a.job_id, 'completed', { result: 'Slate.' });
    await lab.event(b.job_id, 'submitted');
    expect((await reporter.report(b.job_id, 'started')).task).toContain('\nSlate.\n');
    await lab.killHub();
    await reporter.report(b.job_id, 'completed');
    await lab.event(c.job_id, 'submitted');
    expect(peer.pastes).toHaveLength(2);
    expect(held(lab)).toEqual([]);
    await server.ask('cancel_job', { job_id: c.job_id });
  });

  test('at the release: the order is typed once', async ({ lab, server, reporter }) => {
    for (const delay of DELAYS) {
      const peer = await lab.startPeer('mute', { session: `mute-${delay}` });
      const a = await forPerson(server, 'job a');
      const b = await server.delegate(peer, { prompt: `{{result:${a.job_id}}}`, after: [a.job_id] });
      const told = reporter.report(a.job_id, 'completed', { result: 'x'.repeat(5_000) });
      await pause(delay);
      await lab.killHub();
      await told;
      // Somebody looks, which starts the next hub.
      await server.ask('list_jobs');
      await until(`it is handed over (${delay} ms)`, () => lab.record(b.job_id).status !== 'queued');
      const { status, reason, prepared } = lab.record(b.job_id);
      expect(prepared).toEqual(['after']);
      // A kill between the note of a paste and the paste: nobody can know, and nothing is typed twice.
      if (status === 'working') expect(peer.pastes).toHaveLength(1);
      else expect([reason, peer.pastes.length < 2]).toEqual(['delivery_unverified', true]);
      await until('what was kept for it is gone', () => !held(lab).some((name) => name.startsWith(b.job_id)));
      await server.ask('cancel_job', { job_id: b.job_id });
    }
  });

  test('at the start of an agent: it is started at most once', async ({ lab, server, reporter }) => {
    const names = DELAYS.map((delay) => `robot-${delay}`);
    lab.configure({ agents: { robot: counted(lab) } });
    for (const name of names) lab.sessions.add(name);
    const other = await lab.startServer();
    const starts: number[] = [];
    for (const [at, name] of names.entries()) {
      const a = await forPerson(server, 'job a');
      const b = await other.ask('delegate_job', {
        ...{ prompt: 'job b', agent: 'robot', agent_session: `tmux:${name}`, start: true, after: [a.job_id] },
      });
      expect(b).toMatchObject({ status: 'queued', blocked_by: 'after' });
      const before = startsOf(lab);
      const told = reporter.report(a.job_id, 'completed');
      await pause(3 * (DELAYS[at] ?? 0));
      await lab.killHub();
      await told;
      // Somebody looks, which starts the next hub.
      await server.ask('list_jobs');
      await until(`it has ended (${name})`, () => isFinal(lab, b.job_id));
      const { status, reason, detail } = lab.record(b.job_id);
      const isDone = status === 'completed';
      if (!isDone)
        expect([reason, detail]).toEqual([
          'delivery_failed',
          expect.stringContaining('while it was starting'),
        ]);
      const count = startsOf(lab) - before;
      expect(count).toBeLessThanOrEqual(1);
      if (isDone) expect(count).toBe(1);
      starts.push(count);
      await lab.tmux('kill-session', '-t', `=${name}`).catch(() => {});
    }
    expect(starts).toContain(1);
    expect(held(lab)).toEqual([]);
  });

  test('and what it kept is gone or changed: the job fails and says so', async ({ lab, server, peer }) => {
    const a = await forPerson(server, 'job a');
    const [b, c] = [
      await server.delegate(peer, { prompt: 'job b', after: [a.job_id] }),
      await server.delegate(peer, { prompt: 'job c', after: [a.job_id] }),
    ];
    const file = (id: string) => join(lab.home, 'held', `${id}.json`);
    const stray = file('k3f9x2ab-of-no-job');
    writeFileSync(stray, '{}');
    truncateSync(file(b.job_id), 40);
    const text = readFileSync(file(c.job_id), 'utf8');
    writeFileSync(file(c.job_id), text.replace('"agent":"command"', '"agent":"another"'));
    await lab.killHub();
    await server.ask('list_jobs');
    for (const { job_id } of [b, c]) {
      await lab.event(job_id, 'delivery_failed');
      expect(lab.record(job_id).detail).toContain('missing or damaged in MAM_HOME/held. Delegate it again.');
    }
    expect(existsSync(stray)).toBe(false);
    expect(held(lab)).toEqual([]);
    await server.ask('cancel_job', { job_id: a.job_id });
  });
});

/** A kind of agents that notes each start. */
function counted(lab: Lab) {
  const { command, ...kind } = robotKind(lab);
  const [shell = 'sh', option = '-c', line = '', ...words] = command;
  lab.expected.push(/^starts$/);
  return { ...kind, command: [shell, option, `echo started >> '${lab.folder}/starts'; ${line}`, ...words] };
}

function startsOf(lab: Lab): number {
  const path = join(lab.folder, 'starts');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
}
