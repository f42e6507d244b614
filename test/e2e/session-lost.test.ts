import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import type { Peer } from '../support/peer.ts';
import { isRunning } from '../support/processes.ts';
import { pause, until } from '../support/until.ts';

/** A loss must be known within this time (DESIGN, watcher). */
const KNOWN_MS = 1_000;

interface Loss {
  way: string;
  inShell?: boolean;
  lose(lab: Lab, peer: Peer): Promise<unknown>;
  words: RegExp;
}

const LOSSES: Loss[] = [
  {
    way: 'kill-pane',
    lose: (lab, peer) => lab.tmux('kill-pane', '-t', peer.pane),
    words: /Pane %\d+ .* is gone/,
  },
  {
    way: 'kill-session',
    lose: (lab, peer) => lab.tmux('kill-session', '-t', `=${peer.session}`),
    words: /is gone/,
  },
  {
    way: 'kill -9 of the agent',
    lose: async (_, peer) => process.kill(peer.pid, 'SIGKILL'),
    words: /is gone|has ended/,
  },
  {
    way: 'kill -9 of the agent with remain-on-exit',
    lose: async (lab, peer) => {
      await lab.tmux('set-option', '-p', '-t', peer.pane, 'remain-on-exit', 'on');
      process.kill(peer.pid, 'SIGKILL');
    },
    words: /the pane is dead|has ended/,
  },
  {
    way: 'an exit to the shell that it was started from',
    inShell: true,
    lose: async (_, peer) => process.kill(peer.pid, 'SIGTERM'),
    words: /The agent in pane %\d+ has ended \(process \d+\); a shell is in the pane now/,
  },
  {
    way: 'the end of the tmux server',
    lose: async (lab, peer) =>
      process.kill(Number(await lab.tmux('display-message', '-p', '-t', peer.pane, '#{pid}')), 'SIGKILL'),
    words: /is gone/,
  },
];

describe.concurrent('session_lost', () => {
  test.for(LOSSES)('by $way', async ({ lose, inShell = false, words }, { lab }) => {
    // Another session, so that the server itself stays where only this one goes.
    await lab.startSession('other', 'exec sleep 1000');
    const peer = await lab.startPeer('mute', { inShell });
    const server = await lab.startServer();
    const working = await server.delegate(peer, { prompt: 'first' });
    const queued = await server.delegate(peer, { prompt: 'second' });
    const wait = server.wait({ job_ids: [working.job_id, queued.job_id], until: 'all' });
    await lose(lab, peer);
    const since = Date.now();
    const answer = await wait.answer;
    expect(answer.outcome).toBe('final');
    for (const { job_id } of [working, queued]) {
      const record = lab.record(job_id);
      expect(record).toMatchObject({ status: 'failed', reason: 'session_lost' });
      expect(record.detail).toMatch(words);
      expect(Date.parse(record.final_at ?? '') - since).toBeLessThan(KNOWN_MS);
    }
    expect(lab.record(working.job_id).detail).not.toContain('Nothing was delivered');
    expect(lab.record(queued.job_id).detail).toContain('Nothing was delivered');
    expect(peer.pastes).toEqual([lab.orderOf(working.job_id)]);
  });

  test('is amended by a late report of what had been done', async ({ lab }) => {
    await lab.startSession('other', 'exec sleep 1000');
    const peer = await lab.startPeer('mute');
    const [server, reporter] = [await lab.startServer(), await lab.startPeerServer()];
    const { job_id } = await server.delegate(peer);
    await reporter.report(job_id, 'started');
    process.kill(peer.pid, 'SIGKILL');
    await lab.event(job_id, 'session_lost');
    await reporter.report(job_id, 'completed', { detail: 'was done already' });
    expect(lab.record(job_id)).toMatchObject({ status: 'completed', late: true, detail: 'was done already' });
  });

  test('is not told while the agent runs a shell in front of itself, nor when that ends', async ({ lab }) => {
    const peer = await lab.startPeer('mute', { args: ['--run', 'sleep 1000'] });
    const server = await lab.startServer();
    const { job_id } = await server.delegate(peer);
    const command = () => lab.tmux('display-message', '-p', '-t', peer.pane, '#{pane_current_command}');
    await until('a shell is in front', async () => ['bash', 'sleep'].includes(await command()));
    await pause(KNOWN_MS);
    expect(lab.record(job_id).status).toBe('working');
    const [shell] = peer.children as [number];
    process.kill(shell, 'SIGKILL');
    await until('the shell is gone', () => !isRunning(shell));
    await pause(KNOWN_MS);
    expect(lab.record(job_id).status).toBe('working');
  });
});
