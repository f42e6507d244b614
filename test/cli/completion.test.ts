import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { KINDS } from '../../src/agents/index.ts';
import { choice } from '../../src/base/fields.ts';
import { completionOf } from '../../src/cli/completion.ts';
import { defineCommand } from '../../src/cli/core/command.ts';
import { meaningOf, optionsOf } from '../../src/cli/core/options.ts';
import { commands } from '../../src/cli/index.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

const JOB = 'k3f9x2ab-fix-login-test';
const STARTABLE = ['claude-code', 'codex', 'gemini', 'opencode'];
const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const missing = (shell: Shell): boolean => spawnSync(shell, ['--version']).error !== undefined;
/** Every option of every command, with its description. */
const declared = await Promise.all(
  Object.entries(commands).map(async ([name, { summary, load }]) => {
    const rows = optionsOf(await load());
    const options = rows.map(([option, field]) => ({ name: `--${option}`, about: meaningOf(field) }));
    return { name, summary, options };
  }),
);

let lab: Lab;
/** With a `mam` on its PATH. */
let env: Record<string, string>;
const script = (shell: Shell): string => join(lab.folder, `mam.${shell}`);

beforeAll(async () => {
  lab = new Lab();
  lab.expected.push(NOT_OURS);
  const bin = join(lab.folder, 'bin');
  mkdirSync(bin);
  const stub = join(bin, 'mam');
  writeFileSync(stub, `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  chmodSync(stub, 0o755);
  env = { ...lab.env, PATH: `${bin}:${process.env['PATH']}`, LANG: 'C.UTF-8', TERM: 'xterm' };
  for (const shell of SHELLS) {
    const { code, stdout, stderr } = await lab.mam('completion', shell);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    writeFileSync(script(shell), stdout);
  }
  plant(lab, JOB);
  // The server must outlive the sessions of single tests.
  await lab.startSession('review one', 'cat');
  mkdirSync(join(lab.project, 'sub'));
  writeFileSync(join(lab.project, 'sub.md'), '');
  writeFileSync(join(lab.project, 'notes.md'), '');
});
afterAll(() => lab.end());

function run(command: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: lab.project, env, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** What the function of bash offers for each of these lines, given as the words that readline makes of them. */
function bash(queries: string[][], path = script('bash')): string[][] {
  const ask = queries.map((words) => {
    const line = words.join(' ').replaceAll(/ ([=:])( |$)/g, '$1');
    const quoted = words.map((word) => `'${word}'`).join(' ');
    // Where readline splits, each piece is a word of its own.
    const breaks = words.some((word) => word === '=' || word === ':') ? '=:' : '';
    return `COMP_WORDBREAKS='${breaks}' COMP_LINE='${line}' COMP_WORDS=(${quoted}) COMP_CWORD=${words.length - 1}; _mam; printf '%s|' "\${COMPREPLY[@]}"; echo`;
  });
  const out = run('bash', ['--norc', '-c', [`source ${path}; set -u; IFS=x`, ...ask].join('\n')]);
  return out.split('\n').map((row) => row.split('|').filter((word) => word !== ''));
}

/** What fish offers for each of these lines: value, tab, description. */
function fish(lines: string[], path = script('fish')): string[][] {
  const ask = lines.map((line) => `complete -C '${line}'; echo //`);
  const out = run('fish', ['--no-config', '-c', [`source ${path}`, ...ask].join('\n')]);
  return out.split('//\n').map((rows) => rows.split('\n').filter((row) => row !== ''));
}

describe('every command and every option', () => {
  test('in bash', () => {
    const [names, ...options] = bash([['mam', ''], ...declared.map(({ name }) => ['mam', name, '--'])]);
    expect(names).toEqual([...Object.keys(commands), 'help']);
    for (const [index, command] of declared.entries())
      expect(options[index], command.name).toEqual([...command.options.map(({ name }) => name), '--help']);
  });

  test.skipIf(missing('fish'))('in fish, with what each is for', () => {
    const [names, ...options] = fish(['mam ', ...declared.map(({ name }) => `mam ${name} --`)]);
    expect(names).toEqual(expect.arrayContaining(declared.map(({ name, summary }) => `${name}\t${summary}`)));
    expect(names).toHaveLength(declared.length + 1);
    for (const [index, command] of declared.entries()) {
      const rows = command.options.map(({ name, about }) => `${name}\t${about}`);
      // fish has an order of its own: --notify comes before --no-wait.
      expect(options[index]?.sort(), command.name).toEqual([...rows, '--help\tshow this help'].sort());
    }
  });

  test.skipIf(missing('zsh'))('in zsh, with what each is for', async () => {
    const pane = await Pane.open('zsh');
    await pane.shows(
      'mam \t',
      declared.map(({ name, summary }) => `${name} -- ${summary}`),
    );
    for (const { name, options } of declared) {
      await pane.shows(
        `mam ${name} --\t`,
        options.map((option) => `${option.name} -- ${option.about}`),
      );
    }
  });
});

describe('the previous words count', () => {
  const jobs = [JOB];
  const lines: [what: string, words: string[], offered: string[]][] = [
    ['a value after a blank', ['wait', '--job', ''], jobs],
    ['a value after =', ['wait', '--job', '=', 'k3f'], jobs],
    ['a value right after =', ['wait', '--job', '='], jobs],
    ['a value where = is no border of words', ['wait', '--job=k3'], [`--job=${JOB}`]],
    ['a part of an id', ['status', 'login'], jobs],
    ['a part of an id after =', ['wait', '--job', '=', 'login'], jobs],
    ['the jobs that are open', ['cancel', ''], jobs],
    ['no job where none asks for a decision', ['allow', 'k'], []],
    ['what can be attached to', ['attach', 'rev'], ['review\\ one']],
    ['the events of a report', ['publish', JOB, 'comp'], ['completed']],
    ['kinds that can be started', ['start', ''], STARTABLE],
    ['a word by its position', ['status', ''], jobs],
    ['a word after options and their values', ['status', '--registry-dir', '.mam/jobs', '--json', ''], jobs],
    ['the registry of the line', ['wait', '--registry-dir', 'sub', '--job', ''], []],
    ['the registry of the line, with =', ['wait', '--registry-dir', '=', 'sub', '--job', ''], []],
    ['a list', ['hub', 'st'], ['status', 'stop']],
    ['a list for an option', ['submit', '--on-busy', ''], ['queue', 'refuse']],
    ['a list for an option after =', ['submit', '--on-busy', '=', 'q'], ['queue']],
    [
      'no option that was given',
      ['wait', '--job', JOB, '--timeout', '=', '5', '--'],
      ['--json', '--registry-dir', '--help'],
    ],
    [
      'after -- words only',
      ['hub', '--', ''],
      ['status', 'stop', 'restart', 'logs', 'test-event', 'connect', 'run', 'install'],
    ],
    ['after -- no options', ['hub', '--', '--'], []],
    ['free text', ['submit', '--prompt', ''], []],
    ['a value that looks like an option', ['submit', '--prompt', '--on-busy', '--on'], ['--on-busy']],
    [
      'options where no word is known',
      ['agents', ''],
      ['--host', '--all', '--json', '--registry-dir', '--help'],
    ],
    ['the help of a command', ['help', 'wai'], ['wait']],
    ['an unknown command', ['nothing', ''], []],
    ['options without a command', ['--'], ['--help', '--version']],
  ];
  test('in bash', () => {
    const found = bash(lines.map(([, words]) => ['mam', ...words]));
    for (const [index, [what, , offered]] of lines.entries()) expect(found[index], what).toEqual(offered);
  });

  test.skipIf(missing('fish'))('in fish', () => {
    const values = (rows: string[] | undefined): string[] =>
      (rows ?? []).map((row) => row.split('\t')[0] ?? '');
    const cases: [string, string[]][] = [
      ['mam wait --job ', [JOB]],
      ['mam wait --job=k3f', [`--job=${JOB}`]],
      ['mam cancel login', [JOB]],
      ['mam publish x comp', ['completed']],
      ['mam start ', STARTABLE],
      ['mam status --registry-dir .mam/jobs --json ', [JOB]],
      ['mam wait --registry-dir sub --job ', []],
      ['mam wait --registry-dir=sub --job ', []],
      ['mam hub st', ['status', 'stop']],
      ['mam hub stop ', []],
      ['mam submit --on-busy=q', ['--on-busy=queue']],
      [`mam wait --job ${JOB} --timeout=5 --json --`, ['--help', '--registry-dir']],
      ['mam hub -- re', ['restart']],
      ['mam hub -- --', []],
      ['mam submit --prompt ', []],
      ['mam submit --prompt --on-busy --on', ['--on-busy']],
      ['mam agents ', []],
      ['mam help wai', ['wait']],
      ['mam nothing ', []],
      ['mam --', ['--help', '--version']],
    ];
    const found = fish(cases.map(([line]) => line));
    for (const [index, [line, offered]] of cases.entries())
      expect(values(found[index]), line).toEqual(offered);
  });
});

describe('characters that mean something to a shell', () => {
  const about = 'it\'s $HOME, `id` $(id), a\\b "q" [x] {y} 100% (a: b) ; ~ * #';
  const values = ['two words', "it's", '$HOME', '`id`', '(a)', 'b\\c', '100%', 'x:y'];
  const odd = defineCommand({
    about: [about],
    options: { odd: choice(values, about, { value: 'A:B' }) },
    json: 'nothing',
    exits: {},
    examples: [],
    run: async () => 0,
  });
  const lists = { odd: { group: 'house', summary: about, load: async () => odd } } as const;
  const write = async (shell: Shell): Promise<string> => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      await completionOf(lists).run({ options: {}, words: [shell], json: false, registryDir: undefined });
      const path = join(lab.folder, `odd.${shell}`);
      writeFileSync(path, String(written.mock.calls[0]?.[0]));
      return path;
    } finally {
      written.mockRestore();
    }
  };

  test('mean nothing in bash, and come out as they are typed', async () => {
    const path = await write('bash');
    const [offered] = bash([['mam', 'odd', '--odd', '']], path);
    const typed = run('bash', ['-c', `printf '%s\\n' ${offered?.join(' ')}`]);
    expect(typed.trimEnd().split('\n')).toEqual(values);
  });

  test.skipIf(missing('fish'))('mean nothing in fish', async () => {
    const [commands, options, offered] = fish(
      ['mam o', 'mam odd --o', 'mam odd --odd '],
      await write('fish'),
    );
    expect(commands).toEqual([`odd\t${about}`]);
    expect(options).toEqual([`--odd\t${about}`]);
    expect(offered).toEqual(values.map((value) => `${value}\t${about}`));
  });

  test.skipIf(missing('zsh'))('mean nothing in zsh', async () => {
    const pane = await Pane.open('zsh', `source ${await write('zsh')}`);
    await pane.shows('mam \t', [`odd -- ${about}`]);
    await pane.shows('mam odd --\t', [`--odd -- ${about}`]);
    await pane.makes('mam odd --odd=tw\t', 'mam odd --odd two\\ words');
    for (const value of values) {
      const quoted = run('zsh', ['-fc', `print -r -- \${(q)1}`, 'zsh', value]).trimEnd();
      const start = quoted.slice(0, /^\W/.test(quoted) ? 2 : 1);
      await pane.makes(`mam odd --odd ${start}\t`, `mam odd --odd ${quoted}`);
    }
  });
});

describe.each(SHELLS)('a person types in %s', (shell) => {
  test.skipIf(missing(shell))('and Tab does the rest', async () => {
    const pane = await Pane.open(shell);
    await pane.makes('mam wai\t--jo\tk3f\t--js\t', `mam wait --job ${JOB} --json`);
    await pane.makes('mam status k3f\t', `mam status ${JOB}`);
    await pane.makes('mam wait --job=k3f\t', `mam wait --job ${JOB}`);
    await pane.makes('mam status login\t', `mam status ${JOB}`);
    await pane.makes('mam submit --agent cod\t', 'mam submit --agent codex');
    await pane.makes('mam submit --prompt-file no\t', 'mam submit --prompt-file notes.md');
    await pane.makes('mam submit --validate=no\t', 'mam submit --validate notes.md');
    await pane.makes('mam submit --workdir su\t', 'mam submit --workdir sub/');
    await pane.makes('mam submit --workdir=su\t', 'mam submit --workdir sub/');
    await pane.makes('mam attach rev\t', 'mam attach review\\ one');
    await pane.makes('mam submit --agent-session tmux:rev\t', 'mam submit --agent-session tmux:review\\ one');
    await pane.makes('mam hub rest\t', 'mam hub restart');
    await pane.makes('mam help answ\t', 'mam help answer');
    await pane.makes('mam wait --registry-dir sub --job \tx', 'mam wait --registry-dir sub --job x');
  });

  test.skipIf(missing(shell))('and sees the newest job first', async () => {
    const registry = join(lab.project, 'sub', shell);
    const rows = ['bravo', 'delta', 'alpha', 'charlie'].map((job_id, n) => {
      mkdirSync(join(registry, job_id), { recursive: true });
      writeFileSync(join(registry, job_id, 'events.jsonl'), '');
      const created_at = `2026-01-0${n + 1}T00:00:00.000Z`;
      return JSON.stringify({ job_id, status: 'completed', prompt_preview: 'The same', created_at });
    });
    writeFileSync(join(registry, '.index.jsonl'), rows.join('\n'));
    const pane = await Pane.open(shell);
    await pane.lists(`mam wait --registry-dir sub/${shell} --job \t\t`, /charlie.*alpha.*delta.*bravo/s);
  });
});

describe('as a file that the shell loads by itself', () => {
  test.skipIf(missing('zsh'))('in a folder of fpath', async () => {
    const functions = join(lab.folder, 'functions');
    mkdirSync(functions);
    copyFileSync(script('zsh'), join(functions, '_mam'));
    const load = `fpath=(${functions} $fpath); compinit -u -D`;
    const pane = await Pane.open('zsh', load);
    await pane.makes('mam stat\tk3f\t', `mam status ${JOB}`);
    await pane.makes('mam hub rest\t', 'mam hub restart');
  });

  test.skipIf(missing('fish'))("in fish's folder of completions", () => {
    const folder = join(lab.folder, '.config/fish/completions');
    mkdirSync(folder, { recursive: true });
    copyFileSync(script('fish'), join(folder, 'mam.fish'));
    expect(run('fish', ['-c', "complete -C 'mam hub rest'"])).toBe('restart\n');
  });
});

describe('mam completion', () => {
  test('names the shells if it gets none or another one, and prints JSON', async () => {
    const none = await lab.mam('completion');
    expect(none).toMatchObject({ code: 64, stdout: '' });
    expect(none.stderr).toContain('SHELL is missing. Use one of bash, zsh, fish.');
    const other = await lab.mam('completion', 'fihs');
    expect(other).toMatchObject({ code: 64, stdout: '' });
    expect(other.stderr).toContain('Use one of bash, zsh, fish.');
    const { stdout } = await lab.mam('completion', 'zsh', '--json');
    const script = expect.stringMatching(/^#compdef mam\n/);
    expect(JSON.parse(stdout)).toEqual({ shell: 'zsh', script });
  });
});

describe('mam completion-values', () => {
  const values = async (...args: string[]): Promise<string[]> => {
    const { code, stdout, stderr } = await lab.mam('completion-values', ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.split('\n').filter(Boolean);
  };

  test('starts nothing, makes nothing, and is silent if it has nothing to say', async () => {
    const home = join(lab.folder, 'never');
    const sources = ['jobs', 'open-jobs', 'asking-jobs', 'deciding-jobs', 'person-jobs', 'places', 'agents'];
    for (const source of [
      ...sources,
      'startable',
      'sessions',
      'started-sessions',
      'nothing',
      'toString',
      '',
    ]) {
      const ended = await lab.start(['completion-values', source], { env: { MAM_HOME: home }, cwd: '/' })
        .ended;
      expect(ended, source).toMatchObject({ code: 0, stderr: '' });
    }
    expect(existsSync(home)).toBe(false);
    expect(lab.hubs).toEqual([]);
    const broken = join(lab.folder, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'config.json'), '{');
    const ended = await lab.start(['completion-values', 'agents'], { env: { MAM_HOME: broken }, cwd: '/' })
      .ended;
    expect(ended).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test('other hosts, and the usual sessions there', async () => {
    const home = join(lab.folder, 'with-hosts');
    mkdirSync(home, { mode: 0o700 });
    const hosts = { hostb: { ssh: 'me@hostb.lan' }, hostc: {} };
    writeFileSync(join(home, 'config.json'), JSON.stringify({ hosts }));
    const ask = async (source: string) =>
      (await lab.start(['completion-values', source], { env: { MAM_HOME: home } }).ended).stdout;
    expect(await ask('hosts')).toBe('hostb\tssh me@hostb.lan\nhostc\tover the broker\n');
    expect(await ask('sessions')).toContain('\ncodex@hostb\tCodex CLI on hostb\n');
    expect(await ask('started-sessions')).not.toContain('@');
    rmSync(home, { recursive: true });
  });

  test('agent kinds: the built-in ones, then those of the configuration', async () => {
    mkdirSync(lab.home, { recursive: true, mode: 0o700 });
    const agents = {
      'my-agent': { session: 'tmux:mine' },
      'your-agent': { session: 'tmux:yours', command: ['cat'] },
      codex: {},
    };
    writeFileSync(join(lab.home, 'config.json'), JSON.stringify({ agents }));
    expect(await values('agents')).toEqual([
      ...KINDS.map(({ name, title }) => `${name}\t${title}`),
      'my-agent\tfrom your configuration',
      'your-agent\tfrom your configuration',
    ]);
    const startable = await values('startable');
    expect(startable.map((row) => row.split('\t')[0])).toEqual([...STARTABLE, 'your-agent']);
  });

  test('jobs: the open ones first, and not those whose folder is gone', async () => {
    const registry = join(lab.folder, 'other');
    for (const id of ['one', 'two', 'gone'])
      plant(lab, id, { prompt_preview: `The task of ${id}` }, registry);
    // This hub makes the index; the next one needs none for a report, so it is behind.
    expect((await lab.mam('wait', '--timeout', '0', '--registry-dir', registry)).code).toBe(3);
    await until('the index is there', () => existsSync(join(registry, '.index.jsonl')));
    expect((await lab.mam('hub', 'stop')).code).toBe(0);
    for (const id of ['two', 'gone']) {
      const args = ['publish', '--job', id, '--event', 'completed', '--registry-dir', registry];
      expect((await lab.mam(...args)).code).toBe(0);
    }
    const record = (id: string): { status: string } =>
      JSON.parse(readFileSync(lab.paths(id, registry).record, 'utf8'));
    await until('both records say so', () =>
      ['two', 'gone'].every((id) => record(id).status === 'completed'),
    );
    expect(await values('jobs', registry)).toHaveLength(3);
    rmSync(join(registry, 'gone'), { recursive: true });
    expect(await values('jobs', registry)).toEqual([
      'one\tqueued: The task of one',
      'two\tcompleted: The task of two',
    ]);
    // As a shell hands it on.
    expect(await values('jobs', '~/other')).toHaveLength(2);
  });

  test('jobs of a large registry: the hundred newest', async () => {
    const registry = join(lab.folder, 'large');
    const rows = Array.from({ length: 3_000 }, (_, n) => {
      const job_id = `job-${String(n).padStart(4, '0')}`;
      // The others are only in the index: a file costs more than the look itself.
      if (n > 2_850) {
        mkdirSync(join(registry, job_id), { recursive: true });
        writeFileSync(join(registry, job_id, 'events.jsonl'), '');
      }
      const created_at = new Date(1_760_000_000_000 + n * 1000).toISOString();
      return `${JSON.stringify({ job_id, status: 'completed', prompt_preview: 'x'.repeat(200), created_at })}\n`;
    });
    writeFileSync(join(registry, '.index.jsonl'), rows.join(''));
    const found = await values('jobs', registry);
    expect(found).toHaveLength(100);
    expect(found[0]).toMatch(/^job-2999\t/);
    expect(found[99]).toMatch(/^job-2900\t/);
  });

  test('sessions: those that mam started first, and no hidden ones', async () => {
    await lab.startSession('alpha', 'cat');
    await lab.startSession('omega', 'cat');
    await lab.tmux('set-option', '-p', '-t', '=omega:', '@mam_agent', 'codex');
    await lab.tmux('set-option', '-p', '-F', '-t', '=omega:', '@mam_agent_pid', '#{pane_pid}');
    await lab.startSession('hidden', 'cat');
    await lab.tmux('set-option', '-p', '-t', '=hidden:', '@mam_hidden', '1');
    const found = await values('sessions');
    expect(found[0]).toBe('omega\tcodex, started by mam');
    expect(found).toContain('alpha\tcat');
    expect(found.join()).not.toContain('hidden');
    expect(await values('started-sessions')).toEqual(['omega\tcodex, started by mam']);
    expect((await values('places')).join()).toContain('alpha\tcat');
  });

  test('open jobs: those that need someone first', async () => {
    const registry = join(lab.folder, 'asked');
    // The next hub takes up what is planted now.
    await lab.mam('hub', 'stop');
    for (const id of ['first', 'second', 'third', 'over']) plant(lab, id, { prompt_preview: id }, registry);
    const where = ['--registry-dir', registry];
    for (const [id, event, detail] of [
      ['second', 'question', 'Which?'],
      ['third', 'permission_required', 'May I?'],
      ['over', 'completed', 'Done'],
    ] as const)
      expect((await lab.mam('publish', id, event, detail, ...where)).code).toBe(0);
    const names = async (source: string) => {
      return (await values(source, registry)).map((row) => row.split('\t')[0] ?? '');
    };
    await until('the permission is asked', async () => (await names('deciding-jobs')).length === 1);
    expect(await names('deciding-jobs')).toEqual(['third']);
    expect((await names('asking-jobs'))[0]).toBe('second');
    const open = await names('open-jobs');
    expect([open.slice(0, 2).sort(), open[2]]).toEqual([['second', 'third'], 'first']);
    expect(await names('person-jobs')).toEqual(open);
    expect(await values('asking-jobs', registry)).toContain('second\tneeds you (question): second');
    expect((await lab.mam('hub', 'stop')).code).toBe(0);
  });
});

/** A shell in a pane of the lab's tmux server, with its prompt `> ` and the script loaded. */
class Pane {
  private readonly shell: Shell;

  private constructor(shell: Shell) {
    this.shell = shell;
  }

  static async open(shell: Shell, load = `source ${script(shell)}`): Promise<Pane> {
    const pane = new Pane(shell);
    const home = join(lab.folder, `home-${shell}`);
    mkdirSync(home, { recursive: true });
    const started = await lab.steadyTmux('list-sessions', '-F', '#{session_name}');
    if (started.split('\n').includes(shell)) await lab.steadyTmux('kill-session', '-t', `=${shell}:`);
    const program = { bash: 'bash --norc --noprofile', zsh: 'zsh -f', fish: 'fish --no-config' }[shell];
    const first = {
      bash: `PS1='> '`,
      zsh: `PS1='> '; autoload -U compinit; compinit -u -d ${home}/dump; setopt no_list_ambiguous`,
      fish: `function fish_prompt; echo '> '; end; set -g fish_autosuggestion_enabled 0`,
    }[shell];
    lab.sessions.add(shell);
    const options = ['-x', '500', '-y', '60', '-e', `HOME=${home}`, '-c', lab.project];
    await lab.tmux('new-session', '-d', '-s', shell, ...options, program);
    // tmux gives a pane the PATH of its client.
    const path = `export PATH='${env['PATH']}'`;
    await pane.send(`${path}; ${first}; ${load}; clear\n`);
    await pane.emptied();
    return pane;
  }

  /** Types, and waits until the line is as expected; `=` after an option counts as a blank. */
  async makes(typed: string, line: string): Promise<void> {
    await this.send(typed);
    await this.until(
      `the line is ${line}`,
      (screen) => lineOf(screen).replace(/(--[\w-]+)=/, '$1 ') === line,
    );
    await this.clear();
  }

  /** Types, and waits until all these lines are shown, whatever the blanks. */
  async shows(typed: string, lines: string[]): Promise<void> {
    await this.send(typed);
    await this.until(`it shows all of ${lines.join('; ')}`, (screen) => {
      const rows = screen.split('\n').map((row) => row.trim().replace(/ +/g, ' '));
      return lines.every((line) => rows.includes(line));
    });
    await this.clear();
  }

  /** Types, and waits until the screen is as expected. */
  async lists(typed: string, screenful: RegExp): Promise<void> {
    await this.send(typed);
    await this.until(`it shows ${screenful}`, (screen) => screenful.test(screen));
  }

  private async clear(): Promise<void> {
    await lab.steadyTmux('send-keys', '-t', `=${this.shell}:`, 'C-u', 'C-l');
    await this.emptied();
  }

  private emptied(): Promise<unknown> {
    return this.until('the line is empty', (screen) => screen.trim() === '>');
  }

  private async send(text: string): Promise<void> {
    await lab.steadyTmux('send-keys', '-t', `=${this.shell}:`, '-l', text.replace('\n', '\r'));
  }

  private async until(what: string, condition: (screen: string) => boolean): Promise<void> {
    let screen = '';
    await until(what, async () => {
      screen = await lab.steadyTmux('capture-pane', '-p', '-t', `=${this.shell}:`);
      return condition(screen);
    }).catch((error: Error) => {
      throw new Error(`${error.message}; the screen:\n${screen.trim()}`);
    });
  }
}

/** The text at the last prompt. */
function lineOf(screen: string): string {
  const line = screen.split('\n').findLast((row) => row.startsWith('> '));
  return line?.slice(2).trimEnd() ?? '';
}
