import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test as plain } from 'vitest';
import { builtIn, KINDS } from '../../src/agents/index.ts';
import { parseEnvFile } from '../../src/base/env-file.ts';
import { addedArgs } from '../../src/hub/sessions/added.ts';
import type { StartParams } from '../../src/operations/agents.ts';
import { tools } from '../../tools/index.ts';
import { allTexts } from '../support/all-texts.ts';
import { collect } from '../support/command.ts';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

const SECRET = 'k-9f31-secret';

/** A program that notes its arguments and its environment before it shows its box. */
function robot(lab: Lab, more: object = {}) {
  lab.sessions.add('robot');
  lab.expected.push(/^seen\.(env|args)$/, /\.env$/);
  const note = `printf '%s\\n' "$@" > '${lab.folder}/seen.args'; env > '${lab.folder}/seen.env'`;
  return {
    session: 'tmux:robot',
    command: ['sh', '-c', `${note}; stty raw -echo; printf 'READY> '; exec sleep 1000`, 'robot'],
    ready: '^READY> *$',
    ...more,
  };
}

const seenEnv = (lab: Lab): Record<string, string> => {
  const lines = readFileSync(join(lab.folder, 'seen.env'), 'utf8').split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)));
};
const seenArgs = (lab: Lab) => readFileSync(join(lab.folder, 'seen.args'), 'utf8').split('\n').slice(0, -1);

function file(lab: Lab, name: string, text: string): string {
  const path = join(lab.folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('mam start', () => {
  test('passes on variables, a model and arguments: the configuration first, then the command line', async ({
    lab,
  }) => {
    const config = { env: { ONE: 'config', TWO: 'config', THREE: 'config' }, args: ['--from-config'] };
    const form = { model: 'small', model_args: ['--model={model}'] };
    file(lab, 'kept.env', 'ZERO=kept\nONE=kept\n');
    lab.configure({ agents: { robot: robot(lab, { ...config, ...form, env_file: '../kept.env' }) } });
    const keys = file(lab, 'keys.env', `# mine\nexport TWO='from the file'\nTHREE=file\nKEY=${SECRET}\n`);
    const options = ['--env-file', keys, '--env', 'THREE=here', '--env', 'PASSED', '-m', 'big'];
    const started = lab.start(['start', 'robot', ...options, '--', '--deep', 'two words'], {
      env: { PASSED: 'along' },
    });
    expect(await started.ended).toMatchObject({ code: 0 });
    expect(seenArgs(lab)).toEqual(['--model=big', '--from-config', '--deep', 'two words']);
    expect(seenEnv(lab)).toMatchObject({
      ...{ ZERO: 'kept', ONE: 'config', TWO: 'from the file', THREE: 'here' },
      ...{ KEY: SECRET, PASSED: 'along' },
    });
    const list = await lab.mam('agents', '--json');
    expect(JSON.parse(list.stdout).agents[0]).toMatchObject({ agent: 'robot', state: 'idle' });
    // No process of this test has it on its command line, and nothing of mam's has written it down.
    expect(lab.processes.map(({ command }) => command).join('\n')).not.toContain(SECRET);
    expect(list.stdout).not.toContain(SECRET);
    expect(allTexts(lab.home)).not.toContain(SECRET);
    expect((await lab.mam('stop', 'robot')).code).toBe(0);
  });

  test('takes a file that can be read only once, through the installed command', async ({ lab }) => {
    lab.configure({ agents: { robot: robot(lab) } });
    lab.expected.push(/^mam$/);
    const program = join(lab.folder, 'mam');
    symlinkSync(PROGRAM, program);
    const shell = (line: string) =>
      spawnSync('sh', ['-c', line, 'sh', program], { cwd: lab.project, env: lab.env, encoding: 'utf8' });
    const ended = shell(`printf 'KEY=${SECRET}\\n' | "$1" start robot --env-file /dev/stdin`);
    expect(ended.status, ended.stderr).toBe(0);
    expect(seenEnv(lab)['KEY']).toBe(SECRET);
    const missing = shell('"$1" start robot --env-file none');
    expect(missing).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('mam: none cannot be read'),
    });
    expect((await lab.mam('stop', 'robot')).code).toBe(0);
  });

  test.for([
    [['--env', 'MAM_HOME=/x'], "MAM_HOME can't be set for an agent"],
    [['--env', 'TMUX_PANE=%1'], "TMUX_PANE can't be set for an agent"],
    [['--env', '1A=x'], '--env needs the name of a variable'],
    [['--env', 'SURELY_NOT_SET'], 'SURELY_NOT_SET is not set here'],
    [['--env'], '--env has no value'],
    [['--model', 'x'], 'Set agents.robot.model_args'],
    [['reviewer'], 'Put -- before ARGS'],
  ] as const)('%j is refused, and starts nothing', async ([args, words], { lab }) => {
    lab.configure({ agents: { robot: robot(lab) } });
    const ended = await lab.mam('start', 'robot', ...args);
    expect(ended.stderr).toContain(words);
    expect(ended.code).toBe(64);
    expect(existsSync(join(lab.folder, 'seen.env'))).toBe(false);
  });
});

describe('a supervisor', () => {
  test('starts with what the configuration says, and may add only a model', async ({ lab }) => {
    const config = { env: { KEY: SECRET }, args: ['--from-config'], model_args: ['-m', '{model}'] };
    lab.configure({ agents: { robot: robot(lab, config) } });
    const server = await lab.startServer();
    const tool = tools.find(({ name }) => name === 'start_agent');
    expect(Object.keys(tool?.inputSchema.shape ?? {})).toEqual([
      'agent',
      'name',
      'workdir',
      'model',
      'resume',
      'resume_job',
      'host',
    ]);
    expect(await server.ask('start_agent', { agent: 'robot', model: 'big' })).toMatchObject({ ready: true });
    expect(seenArgs(lab)).toEqual(['-m', 'big', '--from-config']);
    await server.ask('stop_agent', { name: 'robot' });
    const job = { prompt: 'Mend the roof', agent: 'robot', start: true };
    const { job_id: id } = await server.ask('delegate_job', job);
    await until('it runs', () => seenArgs(lab).join(' ') === '--from-config');
    await until('it has noted its environment', () => seenEnv(lab)['KEY'] === SECRET);
    expect(allTexts(lab.registry)).not.toContain(SECRET);
    expect(allTexts(lab.home, (path) => path.endsWith('config.json'))).not.toContain(SECRET);
    await server.ask('cancel_job', { job_id: id });
    await until('it can be stopped', () =>
      server.ask('stop_agent', { name: 'robot' }).then(
        () => true,
        () => false,
      ),
    );
  });
});

describe('a file of variables', () => {
  const parse = (text: string) => parseEnvFile('keys.env', text);

  plain('has NAME=VALUE a line, comments and quotes', () => {
    const text = `\ufeff# c\r\nA=1\r\n\r\nexport B="x \\"y\\" \\n# no comment" # comment\nC='$A \\n'\nD = a b # c\nE=\nF=a#b\nA=2\n`;
    expect(parse(text)).toEqual({
      ...{ A: '2', B: 'x "y" \n# no comment', C: '$A \\n', D: 'a b', E: '', F: 'a#b' },
    });
  });

  plain.each([
    ['A=1\nnonsense', 'keys.env, line 2: it has no ='],
    ['\n\nA B=1', 'keys.env, line 3: the text before = is not the name of a variable'],
    ["A='secret", 'keys.env, line 1: the quotes around the value are not closed'],
    ['A="secret" more', 'keys.env, line 1: the quotes around the value are not closed'],
  ])('%j is refused by its line, without what is in it', (text, words) => {
    expect(() => parse(text)).toThrow(words);
    expect(() => parse(text)).not.toThrow('secret');
  });
});

describe('arguments for a built-in agent', () => {
  const params = (agent: string, more_args: string[], model?: string) =>
    ({ agent, more_args, model }) as StartParams;

  plain.each([
    ['claude-code', ['--settings', 'x.json']],
    ['claude-code', ['--settings=x.json']],
    ['claude-code', ['--verbose', '--bare']],
    ['claude-code', ['-p', 'hello']],
    ['codex', ['-c', 'mcp_servers.mam.command="x"']],
    ['codex', ['-c', 'mcp_servers={}']],
    ['codex', ['--config=hooks.Stop=[]']],
    ['codex', ['--disable', 'hooks']],
    ['codex', ['--search', '--', 'x']],
    ['gemini', ['-e', 'none']],
    ['gemini', ['--allowed-mcp-server-names=x']],
    ['opencode', ['--pure']],
  ])('%s %j is refused: it would undo what mam needs', (agent, args) => {
    expect(() => addedArgs(params(agent, args))).toThrow(`mam can't start ${agent} with the argument`);
  });

  plain.each([
    ['claude-code', ['--permission-mode', 'plan', '--mcp-config', 'more.json']],
    ['codex', ['-c', 'model_reasoning_effort="high"', '-c', 'mcp_servers.other.command="x"', '--search']],
    ['gemini', ['--approval-mode=yolo', '--policy', 'p']],
    ['opencode', ['--agent', 'plan']],
  ])('%s %j follow the model, and come before the order', (agent, args) => {
    expect(addedArgs(params(agent, args, 'big'))).toEqual(['--model', 'big', ...args]);
    const launch = builtIn(agent)?.start?.launch({
      ...{ server: ['node', 'main.js'], serverEnv: {}, hook: ['node', 'main.js', 'hook'], folder: '/f' },
      ...{ workdir: '/w', home: '/nowhere', resume: true, more: args, prompt: 'Job 1' },
    });
    const all = launch?.args.join('\n') ?? '';
    expect(all).toContain(args.join('\n'));
    if (all.includes('Job 1')) expect(all.indexOf('Job 1')).toBeGreaterThan(all.indexOf(args[0] ?? ''));
  });

  plain('every kind that mam starts takes a model', () => {
    for (const { start } of KINDS)
      if (start !== undefined) expect(start.modelArgs.join()).toContain('{model}');
  });
});

test('Ctrl-C ends a command that waits for a pipe without a writer', async ({ lab }) => {
  const pipe = join(lab.folder, 'pipe');
  lab.expected.push(/^pipe$/);
  spawnSync('mkfifo', [pipe]);
  // Not by `node main.js`: Node would take --env-file for its own.
  const options = { cwd: lab.project, env: lab.env };
  const { child, ended } = collect(spawn(PROGRAM, ['start', 'codex', '--env-file', pipe], options));
  const { O_WRONLY, O_NONBLOCK } = constants;
  const writer = await until('the pipe is read', () => openSync(pipe, O_WRONLY | O_NONBLOCK));
  child.kill('SIGINT');
  try {
    expect(await ended).toMatchObject({ signal: 'SIGINT' });
  } finally {
    closeSync(writer);
  }
});
