import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { LIMITS } from '../../src/job/limits.ts';
import { wholeTask } from '../../src/job/task-text.ts';
import { finding, lookWith } from '../support/doctor.ts';
import { type Lab, NOT_OURS } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

const PEER = join(import.meta.dirname, '../peers/peer.mjs');

/** A program that notes its arguments, its folder and a variable before it shows its box. */
function noting(lab: Lab): object {
  lab.expected.push(/^seen\.(args|more)$/);
  const note = `printf '%s\\n' "$@" > '${lab.folder}/seen.args'; printf '%s\\n' "$PWD" "$RULES" > '${lab.folder}/seen.more'`;
  return {
    command: ['sh', '-c', `${note}; stty raw -echo; printf 'READY> '; exec sleep 1000`, 'noting'],
    ready: '^READY> *$',
  };
}

/** A scripted agent of its own kind, which takes its order and reports. */
function scripted(lab: Lab, ...args: string[]): object {
  lab.expected.push(/^peer\.log$/);
  const own = ['--log', join(lab.folder, 'peer.log'), '--mam', PROGRAM];
  return { command: [process.execPath, PEER, ...own, ...args], ready: '^READY> *$', session: 'tmux:robot' };
}

const linesOf = (lab: Lab, name: string) =>
  readFileSync(join(lab.folder, `seen.${name}`), 'utf8')
    .split('\n')
    .slice(0, -1);

/** What follows mam's own arguments. */
const after = (args: string[], word: string) => args.slice(args.indexOf(word));

describe('a profile', () => {
  test('starts the program of its kind in its own way, and in a session of its own', async ({ lab }) => {
    mkdirSync(join(lab.folder, 'there'));
    lab.expected.push(/^there$/);
    lab.sessions.add('reviewer');
    lab.expected.push(/^h\/agents\//);
    lab.configure({
      agents: {
        'claude-code': { ...noting(lab), args: ['--of-the-kind'], env: { RULES: 'kind' } },
        careful: {
          extends: 'claude-code',
          permission_mode: 'plan',
          args: ['--careful'],
          env: { RULES: 'mine' },
        },
        reviewer: {
          ...{ extends: 'careful', about: 'Reads a change and says what is wrong.', model: 'opus' },
          ...{ args: ['--deep'], workdir: '../there' },
        },
      },
    });
    const started = await lab.mam('start', 'reviewer', '--', '--last');
    expect(started.stdout, started.stderr).toContain('reviewer (claude-code) is ready in tmux:reviewer');
    expect(after(linesOf(lab, 'args'), '--model')).toEqual([
      ...['--model', 'opus', '--permission-mode', 'plan', '--of-the-kind', '--careful', '--deep', '--last'],
    ]);
    // Its kind's server and hooks are there as well.
    expect(linesOf(lab, 'args').slice(0, 2)).toEqual(['--mcp-config', expect.stringMatching(/mcp\.json$/)]);
    expect(linesOf(lab, 'more')).toEqual([join(lab.folder, 'there'), 'mine']);

    const { agents } = await lab.json('agents');
    const reviewer = { agent: 'reviewer', kind: 'claude-code', title: 'Claude Code' };
    expect(agents[0]).toMatchObject({
      ...{ ...reviewer, target: expect.stringMatching(/^tmux:%/), started_by_us: true },
      about: 'Reads a change and says what is wrong.',
    });
    expect(agents).toContainEqual(
      expect.objectContaining({ agent: 'careful', kind: 'claude-code', state: 'not_running' }),
    );
    // The kind itself does not count as running.
    expect(agents).toContainEqual(expect.objectContaining({ agent: 'claude-code', state: 'not_running' }));
    expect((await lab.mam('agents')).stdout).toMatch(
      /^reviewer \(claude-code\)\ttmux:reviewer .*\tReads a change and says what is wrong\.$/m,
    );
    expect((await lab.mam('stop', 'reviewer')).code).toBe(0);
  });

  test('is listed with its one line, started for a job, and named by the job', async ({
    lab,
    server,
    reporter,
  }) => {
    lab.sessions.add('builder');
    lab.write('rules/build.md', '\nRun the tests.\n\nNever push.\n');
    lab.expected.push(/^p\/rules/);
    lab.configure({
      agents: {
        robot: scripted(lab, '--report', ''),
        builder: {
          ...{ extends: 'robot', about: 'Builds and tests.', args: ['--report', 'started'] },
          preamble: join(lab.project, 'rules/build.md'),
        },
      },
    });
    const { agents } = await server.ask('list_agents');
    expect(agents).toContainEqual(
      expect.objectContaining({
        ...{ agent: 'builder', kind: 'robot', about: 'Builds and tests.', state: 'not_running' },
      }),
    );
    const wish = { prompt: 'Mend the roof', agent: 'builder', start: true, request_key: 'roof' };
    const shown = await server.ask('delegate_job', { ...wish, dry_run: true });
    expect(shown).toMatchObject({ preamble: 'Run the tests.\n\nNever push.', target: 'tmux:builder' });
    expect(shown.summary).toContain('builder (robot) would be started in tmux:builder');
    const printed = await lab.mam('submit', 'Mend the roof', '--agent', 'builder', '--start', '--dry-run');
    const whole = 'Run the tests.\n\nNever push.\n\n---\n\nThe task:\n\nMend the roof';
    expect(printed.stdout).toContain(whole);

    const { job_id: id, summary, warnings } = await server.ask('delegate_job', wish);
    expect(summary).toContain('builder (robot)');
    expect(warnings).toEqual([]);
    const { task } = await reporter.report(id, 'started');
    expect(task).toBe(whole);
    expect(readFileSync(join(lab.registry, id, 'prompt.md'), 'utf8')).toBe(whole);
    expect(await server.ask('job_status', { job_id: id })).toMatchObject({
      ...{ agent: 'robot', profile: 'builder', prompt_preview: 'Mend the roof', session: 'builder' },
      prompt_bytes: whole.length,
      preamble: { beginning: 'Run the tests. Never push.', bytes: whole.length - 'Mend the roof'.length },
    });
    // Both are found by either name.
    for (const agent of ['builder', 'robot'])
      expect((await server.ask('list_jobs', { agent })).jobs).toMatchObject([
        { job_id: id, profile: 'builder' },
      ]);
    expect((await server.ask('list_jobs', { agent: 'codex' })).jobs).toEqual([]);
    expect((await lab.mam('list')).stdout).toContain('builder (robot)');
    expect((await lab.mam('status', id)).stdout).toMatch(/^agent +builder \(robot\) in tmux:builder/m);
    expect((await lab.mam('logs', id)).stdout).toMatch(/^agent +builder \(robot\)/m);

    // The same call is the same job, also once the rules have changed; another task is not.
    lab.write('rules/build.md', 'Other rules.\n');
    expect(await server.ask('delegate_job', wish)).toMatchObject({ job_id: id, repeated: true });
    expect(readFileSync(join(lab.registry, id, 'prompt.md'), 'utf8')).toBe(whole);
    expect(await server.refusal('delegate_job', { ...wish, prompt: 'Mend the door' })).toContain(
      'different prompt',
    );
    await server.ask('cancel_job', { job_id: id });
    expect((await lab.mam('stop', 'builder')).code).toBe(0);
  });

  test('a job for a session that was not started as its profile says so, once', async ({ lab, server }) => {
    for (const name of ['robot', 'builder', 'own']) lab.sessions.add(name);
    lab.configure({
      agents: {
        robot: scripted(lab, '--report', ''),
        builder: { extends: 'robot' },
        other: { extends: 'robot' },
      },
    });
    for (const [agent, ...name] of [['robot'], ['builder']] as const)
      expect((await lab.mam('start', agent, ...name)).code).toBe(0);
    await lab.startSession(
      'own',
      `exec ${process.execPath} ${PEER} --log ${lab.folder}/peer.log --mam ${PROGRAM}`,
    );
    const warningsFor = async (agent: string, session?: string): Promise<string[]> => {
      const job = { prompt: 'Mend the roof', agent, dry_run: true };
      return (await server.ask('delegate_job', { ...job, agent_session: session })).warnings;
    };
    expect(await warningsFor('builder')).toEqual([]);
    expect(await warningsFor('robot')).toEqual([]);
    expect(await warningsFor('builder', 'tmux:robot')).toEqual([
      expect.stringContaining('The agent in tmux:robot was started as robot, so its model'),
    ]);
    expect(await warningsFor('other', 'tmux:builder')).toEqual([
      expect.stringContaining('was started as builder (robot), so its model'),
    ]);
    expect(await warningsFor('builder', 'tmux:own')).toEqual([
      expect.stringContaining('mam did not start the agent in tmux:own'),
    ]);
    expect(await warningsFor('robot', 'tmux:builder')).toEqual([
      expect.stringContaining("does not begin with the profile's preamble"),
    ]);
    const submit = [
      'submit',
      'Mend the roof',
      '--agent',
      'builder',
      '--agent-session',
      'tmux:robot',
      '--no-wait',
    ];
    const typed = await lab.mam(...submit);
    expect(typed.stderr.split('may not be those of the profile builder')).toHaveLength(2);
    const [job_id] = lab.jobIds();
    await server.ask('cancel_job', { job_id });
    for (const name of ['robot', 'builder']) expect((await lab.mam('stop', name)).code).toBe(0);
  });

  test('has a session that no other kind has', async ({ lab, server }) => {
    const kind = scripted(lab);
    lab.configure({
      agents: {
        robot: kind,
        ...Object.fromEntries(
          ['codex2', 'claude', 'prüfer', 'robot.2'].map((name) => [name, { extends: 'robot' }]),
        ),
        named: { extends: 'robot', session: 'tmux:mine' },
        single: { extends: 'robot', session: 'new' },
      },
    });
    const target = async (agent: string) =>
      (await server.ask('delegate_job', { prompt: 'x', agent, start: true, dry_run: true })).target;
    expect(await target('codex2')).toBe('tmux:codex2');
    expect(await target('named')).toBe('tmux:mine');
    // Taken by Claude Code, or changed by tmux.
    expect(await target('claude')).toMatch(/^tmux:agent-claude-[0-9a-f]{6}$/);
    expect(await target('prüfer')).toMatch(/^tmux:agent-pr-fer-[0-9a-f]{6}$/);
    expect(await target('robot.2')).toMatch(/^tmux:agent-robot-2-[0-9a-f]{6}$/);
    // One that each job has for itself: started by hand, it has its name.
    lab.sessions.add('single');
    expect(await lab.json('start', 'single')).toMatchObject({
      agent: 'single',
      kind: 'robot',
      target: 'tmux:single',
    });
    expect((await lab.mam('stop', 'single')).code).toBe(0);
  });
});

test("a reviewer that waits for a builder's result is started as its profile once that is there", async ({
  lab,
  server,
  reporter,
}) => {
  for (const name of ['builder', 'reviewer']) lab.sessions.add(name);
  lab.configure({
    agents: {
      robot: scripted(lab, '--report', 'started'),
      builder: { extends: 'robot', preamble: 'Run the tests.' },
      reviewer: { extends: 'robot', preamble: 'Change nothing.' },
    },
  });
  const built = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'builder', start: true });
  const review = { prompt: `Check this: {{result:${built.job_id}}}`, after: [built.job_id] };
  const { job_id: id } = await server.ask('delegate_job', { ...review, agent: 'reviewer', start: true });
  await reporter.report(built.job_id, 'started');
  await reporter.report(built.job_id, 'completed', { result: 'On branch roof.' });
  await until('the reviewer has its order', () => lab.record(id).status === 'working');
  const { task } = await reporter.report(id, 'started');
  expect(task).toMatch(/^Change nothing\.\n\n---\n\nThe task:\n\nCheck this: \[result of job /);
  expect(task).toContain('On branch roof.');
  expect(lab.record(id)).toMatchObject({ agent: 'robot', profile: 'reviewer' });
  const { agents } = await server.ask('list_agents');
  expect(agents.slice(0, 2)).toMatchObject([
    { agent: 'builder', kind: 'robot', jobs: [] },
    { agent: 'reviewer', kind: 'robot', jobs: [id] },
  ]);
  await reporter.report(id, 'completed');
  for (const name of ['builder', 'reviewer']) expect((await lab.mam('stop', name)).code).toBe(0);
});

test('with a new session for each job, each is started as the profile', async ({ lab, server, reporter }) => {
  const preamble = 'Run the tests.';
  const robot = scripted(lab, '--report', 'started');
  lab.configure({ agents: { robot, single: { extends: 'robot', session: 'new', preamble } } });
  const { job_id: id } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'single' });
  await until('it has its order', () => lab.record(id).status === 'working');
  const { agents } = await server.ask('list_agents');
  expect(agents[0]).toMatchObject({ agent: 'single', kind: 'robot', jobs: [id], started_by_us: true });
  expect((await reporter.report(id, 'started')).task).toMatch(/^Run the tests\.[\s\S]*Mend the roof$/);
  await reporter.report(id, 'completed');
  await server.ask('wait_job', { job_id: id, timeout_seconds: 30 });
  await until('its session is over', async () => {
    const { agents: left } = await server.ask('list_agents');
    return left.every(({ started_by_us: ours }: { started_by_us?: boolean }) => ours !== true);
  });
});

test('a task and the preamble before it may together be as long as a task alone', async ({ lab, server }) => {
  const preamble = 'Run the tests.';
  lab.configure({ agents: { robot: scripted(lab), builder: { extends: 'robot', preamble } } });
  const room = LIMITS.promptBytes - Buffer.byteLength(wholeTask(preamble, ''));
  const wish = { agent: 'builder', start: true, dry_run: true };
  const fits = await server.ask('delegate_job', { ...wish, prompt: 'x'.repeat(room) });
  expect(fits).toMatchObject({ dry_run: true, preamble });
  expect(await server.refusal('delegate_job', { ...wish, prompt: 'x'.repeat(room + 1) })).toContain(
    'The task and the preamble before it are longer than',
  );
});

describe('what is wrong with a profile', () => {
  test.for([
    [
      { extends: 'nobody' },
      'Profile mine extends nobody, and there is no such agent kind.',
      'one of claude-code, codex',
    ],
    [{ extends: 'human' }, 'Profile mine extends human, which mam does not start.', 'claude-code'],
    [{ extends: 'mine' }, 'which leads back to it: mine → mine.', 'claude-code'],
    [{ extends: 'a' }, 'which leads back to it: mine → a → b → a.', 'claude-code'],
    [
      { extends: 'codex', permission_mode: 'plan' },
      'Agent kind codex has no permission mode plan.',
      'to one of read-only, workspace-write, danger-full-access, on-request, never',
    ],
    [
      { extends: 'robot', permission_mode: 'plan' },
      'mam knows no permission modes of agent kind robot.',
      'args',
    ],
    [
      { extends: 'robot', preamble: './none.md' },
      "none.md can't be read, because it does not exist.",
      'plain file',
    ],
    [
      { extends: 'robot', preamble: '~/link.md' },
      'The preamble of agents.mine is not used: ',
      'not of a link',
    ],
    [{ extends: 'robot', preamble: 'x'.repeat(9_000) }, 'is longer than 8 KiB', 'Shorten it'],
    [{ extends: 'robot', preamble: ' \n' }, 'The preamble of agents.mine is empty.', 'leave it out'],
    [
      { extends: 'codex', args: ['-c', 'hooks.Stop=[]'] },
      "mam can't start codex with the argument",
      'Leave it out',
    ],
  ] as const)('%j is refused where it is used, with what to do', async ([mine, what, next], { lab }) => {
    lab.expected.push(/^(link|rules)\.md$/, /^bin/);
    lab.write('../rules.md', 'Rules.');
    symlinkSync(join(lab.folder, 'rules.md'), join(lab.folder, 'link.md'));
    lab.write('../bin/codex', '#!/bin/sh\n', 0o755);
    const agents = { mine, robot: scripted(lab), a: { extends: 'b' }, b: { extends: 'a' } };
    lab.configure({ agents });
    const env = { PATH: `${join(lab.folder, 'bin')}:${lab.env['PATH']}` };
    const submit = lab.start(['submit', 'x', '--agent', 'mine', '--start', '--no-wait'], { env, input: '' });
    const { code, stderr } = await submit.ended;
    expect(stderr).toContain(what);
    expect(stderr).toContain(next);
    expect(code).toBe(64);
    expect(lab.jobIds()).toEqual([]);
  });

  test('others stay usable, and list, doctor and completion know which are not', async ({ lab, server }) => {
    lab.expected.push(NOT_OURS);
    lab.configure({
      agents: {
        robot: scripted(lab),
        good: { extends: 'robot', about: 'Works.' },
        lost: { extends: 'nobody', about: 'Does not.' },
        mute: { extends: 'robot', preamble: './none.md' },
        heard: { extends: 'mute', preamble: 'Speak up.' },
        away: { extends: 'robot', workdir: '/nowhere/at/all' },
        bold: { extends: 'gemini', permission_mode: 'bypassPermissions' },
      },
    });
    const { agents } = await server.ask('list_agents');
    expect(agents).toContainEqual(expect.objectContaining({ agent: 'good', state: 'not_running' }));
    expect(agents).toContainEqual(
      expect.objectContaining({
        ...{ agent: 'lost', state: 'unusable' },
        evidence: expect.stringContaining('there is no such agent kind'),
      }),
    );
    // The one that extends it with a preamble of its own can be used.
    const states = Object.fromEntries(
      (agents as { agent: string; state: string }[]).map(({ agent, state }) => [agent, state]),
    );
    expect(states).toMatchObject({ mute: 'unusable', heard: 'not_running' });
    expect((await lab.mam('agents')).stdout).toMatch(
      /^mute.*\t-\tunusable: The preamble of agents.mute is not/m,
    );
    expect((await lab.mam('agents')).stdout).toMatch(/^lost\t-\tunusable: Profile lost extends nobody/m);
    const found = await lookWith(lab, ['profiles']);
    expect(found.findings.map(({ id }) => id).sort()).toEqual(
      ['away', 'bold', 'lost', 'mute'].map((name) => `agent.profile.${name}`),
    );
    expect(found.of('agent.profile.lost')).toMatchObject(
      finding('problem', { title: 'Profile lost extends nobody', remedy: 'agents.lost.extends' }),
    );
    expect(found.of('agent.profile.mute')).toMatchObject(finding('problem', { title: 'none.md' }));
    expect(found.of('agent.profile.away')).toMatchObject(finding('problem', { title: '/nowhere/at/all' }));
    expect(found.of('agent.profile.bold')).toMatchObject(
      finding('problem', { title: 'gemini has no permission mode', remedy: 'yolo' }),
    );
    const offered = await lab.mam('completion-values', 'startable');
    expect(offered.stdout.split('\n')).toContain('good\tWorks.');
    expect(offered.stdout).not.toContain('lost');
  });

  test.for([
    [
      { codex: { extends: 'claude-code' } },
      "codex is a built-in kind, so it can't extend claude-code",
      'codex',
    ],
    [{ 'a b': { extends: 'codex' } }, 'is not a name for a profile', 'a b'],
    [{ mine: { extends: 'codex', about: 'two\nlines' } }, 'agents.mine.about must be one line', 'mine'],
    [{ mine: { extends: 7 } }, 'agents.mine.extends must be a string', 'mine'],
  ] as const)('%j is refused', async ([agents, what, agent], { lab }) => {
    lab.configure({ agents });
    const { code, stderr } = await lab.mam('start', agent);
    expect(stderr).toContain(what);
    expect(code).toBe(64);
  });
});

test("a project's profiles count once it is trusted, with each of their fields", async ({ lab }) => {
  lab.sessions.add('reviewer');
  lab.write('REVIEW.md', 'Read only.');
  lab.write(
    '.mam/config.json',
    JSON.stringify({
      agents: {
        robot: scripted(lab),
        reviewer: {
          extends: 'robot',
          about: 'Ours.',
          preamble: './REVIEW.md',
          workdir: 'sub',
          env: { A: '1' },
        },
      },
    }),
  );
  mkdirSync(join(lab.project, 'sub'));
  lab.expected.push(/^p\/(sub|REVIEW\.md)/, /^h\/trust\//);
  const submit = ['submit', 'Mend the roof', '--agent', 'reviewer', '--start', '--dry-run'];
  const refused = await lab.mam(...submit);
  expect(refused.code).toBe(64);
  expect(refused.stderr).toContain('is set in this project');
  expect((await lab.mam('agents')).stdout).not.toContain('reviewer');
  expect((await lab.mam('agents')).stderr).toContain('agents');
  expect((await lab.mam('trust', '--yes')).code).toBe(0);
  const shown = await lab.json(...submit);
  expect(shown).toMatchObject({ preamble: 'Read only.', target: 'tmux:reviewer' });
  // A file that was replaced by a link leads nowhere.
  rmSync(join(lab.project, 'REVIEW.md'));
  symlinkSync('/etc/passwd', join(lab.project, 'REVIEW.md'));
  const linked = await lab.mam(...submit);
  expect(linked.code).toBe(64);
  expect(linked.stderr).toContain('The preamble of agents.reviewer is not used');
  rmSync(join(lab.project, 'REVIEW.md'));
  lab.write('REVIEW.md', 'Read only.');
  const { stdout } = await lab.mam(...submit.slice(0, -1), '--no-wait');
  const [id = ''] = lab.jobIds();
  expect(stdout).toContain(id);
  await until('it has ended', () => lab.record(id).status === 'completed');
  expect(lab.record(id)).toMatchObject({ profile: 'reviewer', workdir: join(lab.project, 'sub') });
  expect((await lab.mam('stop', 'reviewer')).code).toBe(0);
});
