import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing } from '../support/lab-test.ts';
import type { Peer } from '../support/peer.ts';
import { isRunning } from '../support/processes.ts';
import { PATIENCE, pause, until } from '../support/until.ts';

/** A loss must be noticed within this time, even on a busy machine: no other clock of a job is so short. */
const KNOWN_MS = 1_000 * PATIENCE;
/** Longer than it takes to notice a loss. */
const QUIET_MS = 1_000;

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
    // The shell may not have the terminal back yet.
    words: /The agent in pane %\d+ has ended \(process \d+\)(?:; a shell is in the pane now)?\./,
  },
];

const SERVER_ENDS: Loss = {
  way: 'the end of the tmux server',
  lose: async (lab, peer) =>
    process.kill(Number(await lab.tmux('display-message', '-p', '-t', peer.pane, '#{pid}')), 'SIGKILL'),
  words: /is gone/,
};

const supervisors = new WeakMap<Lab, Promise<LabServer>>();
/** The lab's own supervisor, and a session that keeps the tmux server alive when a peer's session ends. */
function supervisor(lab: Lab): Promise<LabServer> {
  const start = async () => {
    await lab.startSession('other', 'exec sleep 1000');
    return lab.startServer();
  };
  const server = supervisors.get(lab) ?? start();
  supervisors.set(lab, server);
  return server;
}

async function isLost(lab: Lab, { lose, inShell = false, words }: Loss): Promise<void> {
  const server = await supervisor(lab);
  const peer = await lab.startPeer('mute', { inShell });
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
}

describe.concurrent('session_lost', () => {
  sharing.for(LOSSES)('by $way', (loss, { lab }) => isLost(lab, loss));

  sharing('says which of our texts may be at the prompt of the shell', async ({ lab }) => {
    const peer = await lab.startPeer('mute', { inShell: true, args: ['--hang', `${lab.folder}/never`] });
    const server = await supervisor(lab);
    process.kill(peer.pid, 'SIGUSR2');
    await until('it hangs', () => peer.hangs);
    const answer = server.ask('delegate_job', {
      prompt: 'job one',
      agent_session: peer.address,
      agent: 'command',
    });
    const pasting = () =>
      lab
        .jobIds()
        .find((id) => lab.types(id).includes('pasting') && lab.record(id).agent_session?.pane === peer.pane);
    const job_id = (await until('it is pasted', pasting)) ?? '';
    await pause(QUIET_MS);
    process.kill(peer.pid, 'SIGKILL');
    await lab.event(job_id, 'session_lost');
    await answer;
    expect(lab.record(job_id).detail).toMatch(
      /has ended.*Our own order for job .* was pasted and not sent.*clear the line/,
    );
    await until('the shell has it', async () => (await lab.screen(peer)).includes(job_id));
    await pause(QUIET_MS);
    expect(await lab.screen(peer)).not.toContain('not found');
  });

  sharing('is amended by a late report of what had been done', async ({ lab, peer }) => {
    const [server, reporter] = [await supervisor(lab), await lab.reporter];
    const { job_id } = await server.delegate(peer);
    await reporter.report(job_id, 'started');
    process.kill(peer.pid, 'SIGKILL');
    await lab.event(job_id, 'session_lost');
    await reporter.report(job_id, 'completed', { detail: 'was done already' });
    expect(lab.record(job_id)).toMatchObject({ status: 'completed', late: true, detail: 'was done already' });
  });

  sharing('is not reported while the agent runs a shell in front, nor when that ends', async ({ lab }) => {
    const peer = await lab.startPeer('mute', { args: ['--run', 'sleep 1000'] });
    const server = await supervisor(lab);
    const { job_id } = await server.delegate(peer);
    const command = () => lab.tmux('display-message', '-p', '-t', peer.pane, '#{pane_current_command}');
    await until('a shell is in front', async () => ['bash', 'sleep'].includes(await command()));
    await pause(QUIET_MS);
    expect(lab.record(job_id).status).toBe('working');
    const [shell] = peer.children as [number];
    process.kill(shell, 'SIGKILL');
    await until('the shell is gone', () => !isRunning(shell));
    await pause(QUIET_MS);
    expect(lab.record(job_id).status).toBe('working');
  });
});

// After all others: it ends the shared tmux server.
describe('session_lost', () => {
  sharing('by the end of the tmux server', ({ lab }) => isLost(lab, SERVER_ENDS));
});
