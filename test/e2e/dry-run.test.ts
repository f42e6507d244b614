import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { sharing } from '../support/lab-test.ts';
import type { Peer } from '../support/peer.ts';
import { until } from '../support/until.ts';

interface Way {
  name: string;
  /** In addition to the task and, unless it names another one, the peer's session. */
  args?(lab: Lab): string[];
  env?(lab: Lab, peer: Peer): Record<string, string>;
  prepare?(lab: Lab, peer: Peer): unknown;
}

const session = (name: string) => () => ['--agent-session', name];

/** All reasons for refusing a delegation from a shell that can be known in advance. */
const WAYS: Way[] = [
  { name: 'a session that is not there', args: session('tmux:nobody') },
  { name: 'a pane that is not there', args: session('tmux:%999') },
  {
    name: 'a dead pane',
    args: session('tmux:dead'),
    async prepare(lab) {
      await lab.startSession('dead', 'exec sh -c "tmux set -p remain-on-exit on; exit 3"');
      await until('it is dead', async () => {
        return (await lab.tmux('display-message', '-p', '-t', '=dead:', '#{pane_dead}')) === '1';
      });
    },
  },
  {
    name: 'a shell',
    args: session('tmux:shell'),
    prepare: (lab) => lab.startSession('shell', 'exec bash --norc --noprofile -i'),
  },
  { name: 'its own pane', env: (lab, peer) => lab.envOf(peer) },
  { name: 'a tmux server that does not run', env: () => ({ TMUX_SERVER_NAME: 'nothing-here' }) },
  { name: 'a script that is not there', args: () => ['--validate', 'missing.sh'] },
  { name: 'a script that is a folder', args: () => ['--validate', '.'] },
  { name: 'a working folder that is not there', args: () => ['--workdir', 'nowhere'] },
  { name: 'a working folder that is a file', args: (lab) => ['--workdir', lab.write('file', '')] },
  { name: 'an agent kind that is not known', args: () => ['--agent', 'nobody'] },
  {
    name: 'a task that is too long',
    args: (lab) => ['--prompt-file', lab.write('long.md', 'x'.repeat(1024 * 1024 + 1))],
  },
  { name: 'a task that is not there', args: () => ['--prompt-file', 'missing.md'] },
  { name: 'times that are too short', args: () => ['--timeout', '0'] },
  { name: 'a start that is not known', args: () => ['--agent-session', 'tmux:nobody', '--start'] },
  {
    name: 'a program that is not installed',
    args: () => ['--agent', 'absent', '--agent-session', 'tmux:absent', '--start'],
  },
  { name: 'a pane that is busy', args: () => ['--on-busy', 'refuse'] },
  { name: 'a line into a pane that it has not', args: () => ['--notify', 'pane'] },
  { name: 'another broker than the hub has', env: () => ({ MAM_BROKER_URL: 'mqtt://127.0.0.1:1' }) },
  { name: 'another realm than the hub has', env: () => ({ MAM_REALM: 'elsewhere' }) },
  {
    name: 'a registry that cannot be made',
    env: (lab) => ({ MAM_REGISTRY_DIR: `${lab.write('file', '')}/jobs` }),
  },
  {
    name: 'a log folder that cannot be made',
    env: (lab) => ({ MAM_LOGS_DIR: `${lab.write('file', '')}/logs` }),
  },
  {
    name: 'a log folder where the system keeps no files',
    env: () => ({ MAM_LOGS_DIR: '/proc/nope' }),
  },
  {
    name: 'a registry where the system keeps no files',
    env: () => ({ MAM_REGISTRY_DIR: '/proc/nope/jobs' }),
  },
];

describe('mam submit --dry-run', () => {
  let peer: Promise<Peer> | undefined;
  sharing.for(WAYS)('ends as the call does: $name', async ({ args, env, prepare }, { lab }) => {
    if (peer === undefined) {
      lab.configure({ agents: { absent: { command: ['no-such-program-here'] } } });
      peer = lab.startPeer('mute');
      // Occupies the pane, and keeps the hub running.
      await (await lab.startServer()).delegate(await peer);
    }
    await prepare?.(lab, await peer);
    const given = args?.(lab) ?? [];
    const words = ['submit', '--no-wait'];
    if (!given.includes('--prompt-file')) words.push('--prompt', 'Mend the roof');
    if (!given.includes('--agent')) words.push('--agent', 'command');
    if (!given.includes('--agent-session')) words.push('--agent-session', (await peer).address);
    const run = (...more: string[]) =>
      lab.start([...words, ...given, ...more], { env: env?.(lab, awaited) ?? {}, input: '' }).ended;
    const awaited = await peer;
    const before = lab.jobIds();
    const dry = await run('--dry-run');
    const real = await run();
    expect(real.code).not.toBe(0);
    const plain = (text: string) => text.replaceAll(/\w{8}-mend-the-roof\b/g, 'ID');
    expect({ code: dry.code, why: plain(dry.stderr) }).toEqual({ code: real.code, why: plain(real.stderr) });
    expect(lab.jobIds()).toEqual(before);
  });
});
