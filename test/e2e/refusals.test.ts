import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing, test } from '../support/lab-test.ts';

// One after another: a test that shares its lab counts the jobs before and after.

/** Delegates a job that must be refused before anything is journalled; returns the message. */
async function refused(lab: Lab, server: LabServer, args: Record<string, unknown>): Promise<string> {
  const before = lab.jobIds();
  const text = await server.refusal('delegate_job', { prompt: 'Mend the roof', agent: 'command', ...args });
  expect(lab.jobIds()).toEqual(before);
  return text;
}

describe('a job is refused before anything is kept of it:', () => {
  sharing('the pane: missing, a shell, dead, several, its own', async ({ lab, server, peer }) => {
    await lab.startSession('shell', 'exec bash --norc --noprofile -i');
    await lab.startSession('split', 'exec sleep 1000');
    await lab.tmux('split-window', '-d', '-t', '=split:', 'exec sleep 1000');
    await lab.startSession('dead', 'exec sleep 1000');
    await lab.tmux('set-option', '-p', '-t', '=dead:', 'remain-on-exit', 'on');
    process.kill(Number(await lab.tmux('display-message', '-p', '-t', '=dead:', '#{pane_pid}')), 'SIGKILL');

    const unknown = await refused(lab, server, { agent_session: 'tmux:nobody' });
    expect(unknown).toContain('There is no tmux session or pane tmux:nobody.');
    for (const name of ['mute', 'shell', 'split', 'dead']) expect(unknown).toContain(`tmux:${name}`);
    expect(unknown).not.toContain('_mam');
    expect(unknown).toContain(`tmux -S ${lab.socket} new-session -d -s 'nobody'`);
    for (const [agent_session, why] of [
      // A name is never a prefix or a pattern.
      ['tmux:mut', /There is no tmux session/],
      ['tmux:m*', /There is no tmux session/],
      ['tmux:%99', /There is no tmux pane %99/],
      ['tmux:shell', /runs the shell bash, not an agent/],
      ['tmux:dead', /is dead: its program has ended/],
      ['tmux:split', /has 2 panes.*Name one: tmux:%\d+ \(sleep\), tmux:%\d+ \(sleep\)/],
    ] as const)
      expect(await refused(lab, server, { agent_session })).toMatch(why);

    const inside = await lab.startServer(lab.envOf(peer));
    expect(await refused(lab, inside, { agent_session: peer.address })).toContain(
      `Pane ${peer.pane} is your own`,
    );
    expect(await refused(lab, inside, { agent_session: `tmux:${peer.pane}` })).toContain('is your own');
    expect(peer.bytes.toString()).toBe('');
    // One of several panes is unambiguous if it is named.
    const pane = await lab.tmux('display-message', '-p', '-t', '=split:', '#{pane_id}');
    const { job_id } = await server.ask('delegate_job', {
      ...{ prompt: 'x', agent: 'command', agent_session: `tmux:${pane}` },
    });
    expect(lab.record(job_id).agent_session?.pane).toBe(pane);
  });

  sharing('no tmux server at all', async ({ lab }) => {
    lab.write('no-tmux/file', '');
    const elsewhere = join(lab.project, 'no-tmux');
    const server = await lab.startServer({ TMUX_TMPDIR: elsewhere });
    expect(await refused(lab, server, { agent_session: 'tmux:x' })).toMatch(
      new RegExp(`No tmux server is running at ${elsewhere}/tmux-\\d+/default`),
    );
  });

  sharing('what it asks for', async ({ lab, server, peer }) => {
    const ask = (args: Record<string, unknown>) =>
      refused(lab, server, { agent_session: peer.address, ...args });
    const unknownStart =
      'It is not known how agent kind command is started. Start the program in a tmux session yourself, or define your own kind';
    for (const [args, why] of [
      [{ agent: 'codec' }, 'There is no such agent kind'],
      [{ agent: 'nobody' }, 'There is no such agent kind'],
      [{ agent_session: 'tmux:none', start: true }, unknownStart],
      [{ timeout_seconds: -1 }, 'timeout_seconds'],
      [{ idle_timeout_seconds: 0 }, 'idle_timeout_seconds'],
      [{ timeout_seconds: 0.5 }, 'timeout_seconds'],
      [{ prompt: ' \n' }, '`prompt` is empty'],
      [{ prompt: 'x\ud83d' }, 'half a UTF-16 surrogate pair'],
      [{ prompt: 'é'.repeat(600_000) }, 'longer than 1 MiB'],
      [{ workdir: 'nowhere' }, `${lab.project}/nowhere does not exist`],
      [{ request_key: 'k'.repeat(201) }, '`request_key`'],
    ] as const)
      expect(await ask(args)).toContain(why);
    expect(await refused(lab, server, {})).toContain('Give agent_session: tmux:NAME');
    expect(peer.bytes.toString()).toBe('');
  });

  sharing('a validation script that cannot be read', async ({ lab, server, peer }) => {
    const script = lab.write('check.sh', 'exit 0\n');
    chmodSync(script, 0o000);
    const ask = (validate: string) => refused(lab, server, { agent_session: peer.address, validate });
    expect(await ask('missing.sh')).toContain(`script ${lab.project}/missing.sh cannot be read`);
    expect(await ask(lab.project)).toContain(`script ${lab.project} is a folder`);
    // root reads everything, so there the mode proves nothing.
    if (process.getuid?.() !== 0) expect(await ask(script)).toContain('cannot be read');
    expect(peer.bytes.toString()).toBe('');
  });

  test('dry_run shows what would be typed, refuses what is wrong, and leaves no trace', async ({ lab }) => {
    const peer = await lab.startPeer('mute');
    const server = await lab.startServer();
    const job = { prompt: 'Mend the roof', agent: 'command', agent_session: peer.address };
    const answer = await server.ask('delegate_job', { ...job, trust_pane: true, dry_run: true });
    expect(answer).toMatchObject({
      ...{ dry_run: true, status: 'queued', target: peer.address, position: 0, warnings: [] },
      agent_session: { pane: peer.pane },
      summary: `Nothing was changed: this is what would be typed into ${peer.address}.`,
    });
    // For a person nothing would be typed, and what can be seen wrong is refused.
    const forPerson = { prompt: 'Mend the roof', agent: 'human', dry_run: true };
    const shown = await server.ask('delegate_job', forPerson);
    expect(shown.summary).toContain('nothing would be typed');
    expect(shown.typed_text).toBeUndefined();
    for (const [wrong, words] of [
      [{ workdir: 'nowhere' }, `${lab.project}/nowhere does not exist`],
      [{ validate: 'missing.sh' }, `script ${lab.project}/missing.sh cannot be read`],
    ] as const)
      expect(await server.refusal('delegate_job', { ...forPerson, ...wrong })).toContain(words);
    const registry = `${lab.write('file', '')}/jobs`;
    const other = await lab.startServer({ MAM_REGISTRY_DIR: registry });
    expect(await other.refusal('delegate_job', forPerson)).toContain(
      `The registry ${registry} cannot be written`,
    );
    expect((await lab.mam('submit', 'x', '--dry-run', '--validate', 'missing.sh')).code).toBe(64);
    expect(existsSync(join(lab.project, '.mam'))).toBe(false);
    const { job_id } = await server.ask('delegate_job', { ...job, trust_pane: true });
    expect(answer.typed_text.replaceAll(answer.job_id, job_id)).toBe(lab.orderOf(job_id));
    expect(peer.pastes).toEqual([lab.orderOf(job_id)]);
    // What the real call would say about another job.
    const second = await server.ask('delegate_job', { ...job, dry_run: true });
    expect(second).toMatchObject({ position: 1, behind: [job_id] });
    expect(second.warnings).toEqual([
      expect.stringContaining(`Job ${job_id} is open in the same working folder ${lab.project}.`),
    ]);
    expect(lab.jobIds()).toEqual([job_id]);
    await server.ask('cancel_job', { job_id });
  });

  sharing('dry_run refuses what the call refuses, in the same words', async ({ lab, server, peer }) => {
    const held = await lab.startPeer('mute');
    const two = await lab.startPeer('mute');
    await lab.tmux('split-window', '-d', '-t', two.pane, 'exec sleep 1000');
    await lab.startSession('shell-2', 'exec bash --norc --noprofile -i');
    const { job_id } = await server.delegate(held, { request_key: 'dry' });
    const same = async (words: string, args: Record<string, unknown>, from = server) => {
      const job = { prompt: 'x', agent: 'command', agent_session: peer.address, ...args };
      const real = await from.refusal('delegate_job', job);
      expect(real).toContain(words);
      const dry = await from.call('delegate_job', { ...job, dry_run: true });
      const { would_refuse: why, dry_run, next } = dry.structuredContent ?? {};
      if (dry_run === true) expect(next).toContain('Do what the summary says first');
      // What would be typed is still shown if only the destination is missing.
      if (dry_run === true) expect(real).toContain(why);
      else expect(dry.content[0].text).toBe(real);
    };
    await same('has 2 panes and none is clearly the agent', { agent_session: two.address });
    await same('runs the shell bash', { agent_session: 'tmux:shell-2' });
    await same('There is no tmux session or pane tmux:nobody', { agent_session: 'tmux:nobody' });
    await same('It is not known how', { agent_session: 'tmux:nobody', start: true });
    await same('There is no tmux session', { agent: 'human', agent_session: 'tmux:nobody' });
    await same('is busy with job', { agent_session: held.address, on_busy: 'refuse' });
    await same('you are not running in a tmux pane', { notify: 'pane' });
    await same('which has a different prompt', { request_key: 'dry' });
    await same('does not exist, or cannot be reached', { workdir: 'nowhere' });
    await same('cannot be read', { validate: 'missing.sh' });
    const logs = lab.write('file', '');
    for (const [words, env] of [
      ['the limit is 1 (MAM_MAX_OPEN_JOBS or max_open_jobs)', { MAM_MAX_OPEN_JOBS: '1' }],
      [`The registry ${logs}/jobs cannot be written`, { MAM_REGISTRY_DIR: `${logs}/jobs` }],
    ] as const) {
      const other = await lab.startServer(env);
      if ('MAM_MAX_OPEN_JOBS' in env) await other.ask('delegate_job', { prompt: 'x', agent: 'human' });
      await same(words, {}, other);
    }
    const full = await lab.startServer({ MAM_LOGS_DIR: `${logs}/logs` });
    const job = { prompt: 'x', agent: 'human', dry_run: true };
    expect(await full.refusal('delegate_job', job)).toMatch(/The log folder .* cannot be written/);
    const again = { prompt: 'Mend the roof', request_key: 'dry', dry_run: true };
    expect(await server.delegate(held, again)).toMatchObject({ repeated: true, job_id });
    expect(peer.bytes.toString()).toBe('');
  });
});

describe('request_key', () => {
  sharing('twice is one job per session, an error with another prompt', async ({ lab, server, peer }) => {
    const before = lab.jobIds();
    const first = await server.delegate(peer, { request_key: 'roof' });
    const second = await server.delegate(peer, { request_key: 'roof' });
    expect(second).toMatchObject({ job_id: first.job_id, repeated: true });
    const text = await server.refusal('delegate_job', {
      ...{ prompt: 'Mend the floor', agent: 'command', agent_session: peer.address, request_key: 'roof' },
    });
    expect(text).toContain(`was already used for job ${first.job_id}, which has a different prompt`);
    expect(lab.jobIds().filter((id) => !before.includes(id))).toEqual([first.job_id]);
    expect(peer.pastes).toEqual([lab.orderOf(first.job_id)]);
    const other = await lab.startServer();
    expect((await other.delegate(peer, { request_key: 'roof' })).job_id).not.toBe(first.job_id);
    // The client's own id of a call is such a key.
    const call = { 'claudecode/toolUseId': 'toolu_1' };
    const args = { prompt: 'x', agent: 'command', agent_session: peer.address };
    const one = await server.ask('delegate_job', args, call);
    expect((await server.ask('delegate_job', args, call)).job_id).toBe(one.job_id);
  });

  sharing('twice at once, and once more after a new hub, is still one job', async ({ lab, server, peer }) => {
    const before = lab.jobIds();
    const both = await Promise.all([1, 2].map(() => server.delegate(peer, { request_key: 'floor' })));
    expect(both[0].job_id).toBe(both[1].job_id);
    await lab.killHub();
    const third = await server.delegate(peer, { request_key: 'floor' });
    expect(third).toMatchObject({ job_id: both[0].job_id, repeated: true });
    expect(lab.jobIds().filter((id) => !before.includes(id))).toEqual([third.job_id]);
    expect(peer.pastes).toHaveLength(1);
  });
});

sharing('what is too long for the hub is refused immediately, and blocks no other call', async ({ lab }) => {
  const server = await lab.startServer();
  const { job_id } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'human' });
  const wait = server.wait({ job_id });
  const long = 'x'.repeat(200_000);
  expect(await server.refusal('job_status', { job_id: long })).toContain('more than the hub accepts');
  expect(await server.ask('job_status', { job_id })).toMatchObject({ status: 'working' });
  await server.report(job_id, 'completed');
  expect((await wait.answer).outcome).toBe('final');
});
