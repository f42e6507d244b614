import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { environmentOf } from '../../src/base/processes.ts';
import { allTexts } from '../support/all-texts.ts';
import { failingAgent } from '../support/failing-agent.ts';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing as sharingLab, test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

const PEER = join(import.meta.dirname, '../peers/peer.mjs');
const CARRIER = join(import.meta.dirname, '../peers/carrier.py');

/** Configured agent kinds played by a fake peer: their screen shows when they accept input. */
const PLAYED: Record<string, string[]> = {
  robot: [],
  quiet: ['--report', ''],
  forgetful: ['--report', ''],
  asking: ['--dialog'],
};

/** @param names the kinds that this lab's hub and servers know */
function configure(lab: Lab, ...names: string[]): void {
  const play = (name: string) => {
    lab.sessions.add(name);
    lab.expected.push(/^peer-\w+\.log$/);
    const log = `${lab.folder}/peer-${name}.log`;
    return {
      session: `tmux:${name}`,
      command: [process.execPath, PEER, '--log', log, '--mam', PROGRAM, ...(PLAYED[name] ?? [])],
      ready: '^READY> *$',
      busy: '^WORKING',
      dialog: '^Do you want',
    };
  };
  const failing = failingAgent('no licence found');
  lab.sessions.add('failing');
  lab.configure({ agents: { failing, ...Object.fromEntries(names.map((name) => [name, play(name)])) } });
}

/**
 * Agents of one lab, one test after another: each ends what it has started. The tmux server outlives them, and one MCP
 * server starts them all.
 */
const sharing = sharingLab.extend<{ server: LabServer }>({
  server: [
    async ({ lab }, use) => {
      configure(lab, ...Object.keys(PLAYED));
      await lab.startSession('other', 'exec sleep 1000');
      await use(await lab.startServer());
    },
    { scope: 'file' },
  ],
});

describe('an agent', () => {
  sharing('is started, listed, given a job and stopped', async ({ lab, server }) => {
    const started = await server.ask('start_agent', { agent: 'robot' });
    expect(started).toMatchObject({ ready: true, target: 'tmux:robot' });
    const { agents, summary } = await server.ask('list_agents');
    expect(summary).toBe('1 agent is running; it is idle.');
    expect(agents[0]).toMatchObject({ agent: 'robot', state: 'idle', started_by_us: true, jobs: [] });
    expect(await server.refusal('start_agent', { agent: 'robot' })).toContain(
      'A tmux session robot already exists',
    );
    const { job_id: jobId } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'robot' });
    expect((await server.ask('wait_job', { job_id: jobId })).jobs[0].status).toBe('completed');
    const stopped = await lab.mam('stop', 'robot');
    expect(stopped.stdout).toContain('ended: tmux:robot');
    const names = () => lab.tmux('list-sessions', '-F', '#{session_name}');
    await until('it is gone', async () => !(await names()).split('\n').includes('robot'));
    expect((await lab.mam('stop', 'robot')).stderr).toContain('no session robot');
  });

  test('is started for a job when it is missing, on a tmux server that does not run yet', async ({ lab }) => {
    configure(lab, 'robot');
    const server = await lab.startServer();
    const job = { prompt: 'Mend the roof', agent: 'robot' };
    expect(await server.refusal('delegate_job', job)).toContain('with `start` true');
    const { job_id: jobId } = await server.ask('delegate_job', { ...job, start: true });
    expect((await server.ask('wait_job', { job_id: jobId })).jobs[0].status).toBe('completed');
    await server.ask('stop_agent', { name: 'robot' });
    const ended = () =>
      lab.tmux('list-sessions').then(
        () => false,
        () => true,
      );
    await until('the tmux server goes with its last session', ended);
  });

  test('started for a job: no word of its task is in a command line or an environment', async ({ lab }) => {
    const secret = 'xyzzyplugh';
    // The files of the last agent stay until the next one is started.
    lab.expected.push(/^h\/agents\//);
    for (const name of ['claude', 'codex', 'opencode', 'gemini'])
      lab.write(`bin/${name}`, '#!/bin/sh\nexec sleep 1000\n', 0o755);
    const server = await lab.startServer({ PATH: `${lab.project}/bin:${lab.env['PATH']}` });
    const prompt = `Look at the oldest of all the roofs and mend it, and keep to what was said before: ${secret}`;
    const delegate = (agent: string, number: number): Promise<{ job_id: string }> => {
      const session = `${agent}-${number}`;
      lab.sessions.add(session);
      return server.ask('delegate_job', { prompt, agent, start: true, agent_session: `tmux:${session}` });
    };
    const running = () => lab.processes.filter(({ command }) => command === 'sleep 1000');
    // The first one starts the tmux server, too. They are awaited together, because none becomes ready.
    const first = delegate('codex', 1);
    await until('the first is started', () => running().length === 1);
    const rest = ['claude-code', 'opencode', 'gemini'].flatMap((agent) =>
      [1, 2].map((n) => delegate(agent, n)),
    );
    const jobs = await Promise.all([first, delegate('codex', 2), ...rest]);
    expect(running()).toHaveLength(jobs.length);
    for (const { pid, command } of lab.processes) {
      expect(command).not.toContain(secret);
      expect(environmentOf(pid).join('\0'), command).not.toContain(secret);
    }
    expect(allTexts(lab.home)).not.toContain(secret);
    for (const { job_id } of jobs) {
      expect(job_id).not.toContain(secret);
      await server.ask('cancel_job', { job_id });
    }
    await lab.tmux('kill-server');
    await until('the agents are gone', () => running().length === 0);
  });

  sharing('of a kind that cannot be resumed says that it has started fresh', async ({ lab, server }) => {
    const { summary } = await server.ask('start_agent', { agent: 'robot', resume: true });
    expect(summary).toContain('new conversation: it is not known how robot resumes a conversation.');
    expect((await server.ask('stop_agent', { name: 'robot' })).next).toMatch(/^If the agent keeps/);
    expect((await lab.mam('start', 'robot', '--resume')).stderr).toContain(
      'it began a new conversation: it is not known how robot',
    );
    await server.ask('stop_agent', { name: 'robot' });
  });

  sharing('that ends at its start is refused with its last words', async ({ lab, server }) => {
    const text = await server.refusal('start_agent', { agent: 'failing' });
    expect(text).toContain('failing ended as it started');
    expect(text).toContain('no licence found');
    expect((await lab.tmux('list-sessions', '-F', '#{session_name}')).split('\n')).not.toContain('failing');
  });

  sharing('that ends at its start fails the job it was started for, with the same words', async ({ lab }) => {
    const { code, stdout, stderr } = await lab.mam('submit', 'Mend it', '--agent', 'failing', '--start');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /failed \(delivery_failed\) .*nothing was delivered\. Its last words: no licence found/,
    );
    expect(stderr).not.toContain('to look at the agent');
  });

  test('that is not installed is refused and listed so; what can be started is named', async ({ lab }) => {
    const states = ({ agents }: { agents: { agent: string; state: string }[] }) =>
      Object.fromEntries(agents.map(({ agent, state }) => [agent, state]));
    const all = (state: string) =>
      Object.fromEntries(['claude-code', 'codex', 'gemini', 'opencode'].map((kind) => [kind, state]));
    // The hub needs its own PATH, for tmux.
    await (await lab.startServer()).ask('list_agents');
    const bare = await lab.startServer({ PATH: '/nowhere' });
    const text = await bare.refusal('start_agent', { agent: 'codex' });
    expect(text).toContain('The program codex of agent kind codex was not found on the PATH');
    expect((await lab.mam('start', 'codec')).code).toBe(64);
    const none = await bare.ask('list_agents');
    expect(states(none)).toEqual(all('not_installed'));
    expect(none.next).toContain('none can be started');
    expect(none.next).not.toContain('start_agent');

    lab.write('bin/opencode', '#!/bin/sh\n', 0o755);
    const one = await (await lab.startServer({ PATH: `${lab.project}/bin` })).ask('list_agents');
    expect(states(one)).toEqual({ ...all('not_installed'), opencode: 'not_running' });
    expect(one.next).toBe('Call start_agent with {"agent":"opencode"}.');

    // A configured kind, and a built-in one installed elsewhere, can be started as well.
    const gemini = { command: [process.execPath] };
    lab.configure({ agents: { robot: { command: ['opencode'] }, gemini } });
    const run = lab.start(['agents', '--json'], { env: { PATH: '/nowhere' } });
    const own = JSON.parse((await run.ended).stdout);
    expect(states(own)).toEqual({ ...all('not_installed'), gemini: 'not_running', robot: 'not_installed' });
    expect(own.next).toBe('mam start gemini');
  });

  sharing('inside another program is listed by kind, unless it reads no keys', async ({ lab, server }) => {
    const run = 'const [, , ...words] = process.argv;';
    lab.write(
      'wrapper.js',
      `${run}require('child_process').spawn(words[0], words.slice(1), {stdio:'inherit'})`,
    );
    lab.write('bin/claude', "#!/usr/bin/env node\nprocess.stdin.resume();console.log('here')", 0o755);
    const piped = `require('child_process').spawn('claude', {stdio:'pipe'}).stdout.once('data', () => console.log('runs'))`;
    lab.write('piped.js', piped);
    const inside = [
      ['a-node-program', 'not_ready', 'exec node wrapper.js claude'],
      ['a-wrapper-of-a-wrapper', 'not_ready', 'exec env A=1 node wrapper.js node wrapper.js claude'],
      ['a-shell', 'unreachable', "exec sh -c 'claude; true'"],
      ['timeout', 'not_ready', 'exec timeout 1000 claude'],
      ['a-program-that-carries-another-terminal', 'unreachable', `exec python3 ${CARRIER} claude`],
    ] as const;
    for (const [session, , command] of [...inside, ['piped', '', 'exec node piped.js']] as const)
      await lab.startSession(session, `PATH=${lab.project}/bin:$PATH; ${command}`);
    await until('the one that reads no keys runs', async () =>
      (await lab.tmux('capture-pane', '-p', '-t', '=piped:')).includes('runs'),
    );
    const rows = async () => {
      const { agents } = await server.ask('list_agents');
      return agents.filter(({ target }: { target?: string }) => target !== undefined);
    };
    const listed = await until('all are listed', async () => {
      const found = await rows();
      return found.length >= inside.length && found;
    });
    const seen = listed.map(({ agent, state, target }: Record<string, string>) => [target, agent, state]);
    expect(seen.sort()).toEqual(
      inside.map(([session, state]) => [`tmux:${lab.panes.get(session)}`, 'claude-code', state]).sort(),
    );
    const { agents } = await server.ask('list_agents');
    expect(agents.filter(({ agent }: { agent: string }) => agent === 'claude-code')).toHaveLength(
      inside.length,
    );
    for (const [session] of [...inside, ['piped']]) await lab.tmux('kill-session', '-t', `=${session}`);
  });

  sharing('that shows a dialog at its start is not ready, and says why', async ({ lab, server }) => {
    const started = await lab.mam('start', 'asking', '--json');
    expect(started.code).toBe(4);
    expect(JSON.parse(started.stdout)).toMatchObject({
      ready: false,
      waits_for: expect.stringContaining('Do you want to proceed?'),
    });
    const { agents } = await server.ask('list_agents');
    expect(agents[0]).toMatchObject({ agent: 'asking', state: 'dialog' });
    expect((await lab.mam('stop', 'asking')).code).toBe(0);
  });

  sharing("whose pane now runs something else of the user's is not stopped", async ({ lab, server }) => {
    await server.ask('start_agent', { agent: 'quiet' });
    const pane = await lab.tmux('display-message', '-p', '-t', '=quiet:', '#{pane_id}');
    await lab.tmux('respawn-pane', '-k', '-t', pane, 'exec sleep 1000');
    const { agents } = await server.ask('list_agents');
    const row = agents.find(({ target }: { target?: string }) => target === `tmux:${pane}`);
    expect(row.started_by_us).toBe(false);
    expect(await server.refusal('stop_agent', { name: 'quiet' })).toMatch(/was not started by mam/);
    expect(await lab.tmux('display-message', '-p', '-t', pane, '#{pane_current_command}')).toBe('sleep');
    await lab.tmux('kill-pane', '-t', pane);
  });

  sharing("is not started under a name of the hub's own sessions", async ({ server }) => {
    expect(await server.refusal('start_agent', { agent: 'quiet', name: '_mam-1' })).toContain(
      "Names that begin with _mam- are for the hub's own sessions",
    );
  });

  sharing('that someone else started, or that has a job, is not stopped', async ({ lab, server }) => {
    const own = await lab.startPeer('mute');
    const { job_id: held } = await server.delegate(own);
    // Its screen is still and shows no job, but it is not free for another one.
    const { agents } = await server.ask('list_agents');
    const row = agents.find(({ target }: { target?: string }) => target === `tmux:${own.pane}`);
    expect(row).toMatchObject({ agent: 'command', state: 'busy', jobs: [held] });
    expect(row.evidence).toContain(`job ${held} is working`);
    await server.ask('cancel_job', { job_id: held });
    expect(await server.refusal('stop_agent', { name: own.address })).toMatch(
      /was not started by mam.* tmux -S '.*' kill-session -t '=.*'\.$/,
    );
    expect(await server.refusal('stop_agent', { name: 'nope' })).toContain(
      'There is no session nope. No agent started by mam is running.',
    );
    expect(await server.refusal('stop_agent', { name: 'nope@hostx' })).toContain(
      'If hostx is another machine: name it under hosts',
    );
    const job = { prompt: 'Mend the roof', agent: 'quiet', start: true };
    const { job_id: jobId } = await server.ask('delegate_job', job);
    expect(await server.refusal('stop_agent', { name: 'quiet' })).toContain(`has an open job: ${jobId}`);
    const cancelled = await server.ask('cancel_job', { job_id: jobId, interrupt: true });
    expect(cancelled.summary).toContain(
      `Job ${jobId} is cancelled. No interrupt key is known for agent kind quiet`,
    );
    await server.ask('stop_agent', { name: 'quiet' });
  });
});

describe('a turn that ends without a report', () => {
  sharing('is reminded once, then needs attention; a late report still counts', async ({ lab, server }) => {
    const { job_id: jobId } = await server.ask('delegate_job', {
      prompt: 'Mend the roof',
      agent: 'forgetful',
      start: true,
    });
    const told = await server.ask('wait_job', { job_id: jobId, timeout_seconds: 30 });
    expect(told).toMatchObject({ outcome: 'needs_attention', jobs: [{ reason: 'turn_ended' }] });
    expect(lab.types(jobId).filter((type) => type === 'reminded')).toHaveLength(1);
    expect(await lab.tmux('capture-pane', '-p', '-t', '=forgetful:')).toContain(
      'is still open and your turn has ended',
    );
    await (await lab.reporter).report(jobId, 'completed', { detail: 'done after all' });
    expect(lab.record(jobId).status).toBe('completed');
    await server.ask('stop_agent', { name: 'forgetful' });
  });
});

describe('a hook', () => {
  sharing('reports on its pane: submission and the end of a turn', async ({ lab, server }) => {
    const words = JSON.stringify({
      last_assistant_message: 'I looked at the roof.',
      stop_hook_active: false,
    });
    const input = lab.write('stop.json', words);
    const script = `'${process.execPath}' '${PROGRAM}' hook claude-code Stop < '${input}'\n`;
    const peer = await lab.startPeer('mute', { args: ['--hook', `sh ${lab.write('hook.sh', script)}`] });
    const { job_id: jobId } = await server.delegate(peer);
    const reminded = await lab.event(jobId, 'reminded');
    expect(reminded.detail).toBe('I looked at the roof.');
    // The reminder is an order as well: the hook runs a second time.
    const ended = await lab.event(jobId, 'turn_ended');
    expect(ended).toMatchObject({ source: 'hook', detail: 'I looked at the roof.' });
    expect(lab.record(jobId)).toMatchObject({ status: 'input_required', reason: 'turn_ended' });
    await server.ask('cancel_job', { job_id: jobId });
  });

  sharing('of another pane, or with bad input, changes nothing', async ({ lab, server, peer }) => {
    const { job_id: jobId } = await server.delegate(peer);
    for (const args of [[], ['claude-code'], ['claude-code', 'Stop'], ['none', 'Stop']]) {
      expect(await lab.mam('hook', ...args)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    }
    expect(lab.record(jobId).status).toBe('working');
    await server.ask('cancel_job', { job_id: jobId });
  });
});
