import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Ended } from '../support/command.ts';
import type { Lab } from '../support/lab.ts';
import { sharing, test } from '../support/lab-test.ts';
import { until } from '../support/until.ts';
import { read } from './markdown.ts';

/** The first cells of the page's tables, which name their rows; the tables' heads are left out. */
const ROWS = read('docs/migrating.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (the script|option|variable|line|code) \|/.test(line))
  .map((line) => (line.split(' | ')[0] ?? '').slice(2).replaceAll('`', ''));

type Try = (lab: Lab) => Promise<void>;
const COMMAND = ['--agent', 'command', '--agent-session', 'tmux:good'];
const idOf = ({ stdout }: Ended): string => /^registered job: (\S+)$/m.exec(stdout)?.[1] ?? '';
const lastLine = ({ stdout }: Ended): string => stdout.trimEnd().split('\n').at(-1) ?? '';

/** What is made once in a lab, for all rows that only look at it. */
function once<T>(make: (lab: Lab) => Promise<T>): (lab: Lab) => Promise<T> {
  const made = new WeakMap<Lab, Promise<T>>();
  return (lab) => {
    const one = made.get(lab) ?? make(lab);
    made.set(lab, one);
    return one;
  };
}
const peer = once((lab) => lab.startPeer('good'));
async function submit(lab: Lab, env: Record<string, string>, ...more: string[]): Promise<Ended> {
  await peer(lab);
  return lab.start(['submit', '--prompt', 'Mend the roof', ...COMMAND, ...more], { env }).ended;
}
const submitted = once((lab) => submit(lab, {}));
/** A job that its peer has completed. */
const done = async (lab: Lab): Promise<string> => idOf(await submitted(lab));
/** A script that only bash runs. */
const PASSES = 'passes.sh';
const passed = once((lab) => submit(lab, {}, '--validate', lab.write(PASSES, '[[ -n $BASH_VERSION ]]\n')));
/** A program that no shell runs. */
const FAILS = 'fails';
const failed = once((lab) => {
  const program = lab.write(FAILS, `#!${process.execPath}\nprocess.exit(7);\n`, 0o755);
  return submit(lab, {}, '--validate', program);
});
/** What the validation script of a job, submitted with variables of its own, found in its environment. */
const environment = once(async (lab) => {
  const env = { PATH: `${lab.folder}:${process.env['PATH']}`, VIRTUAL_ENV: lab.folder };
  const ended = await submit(lab, env, '--validate', lab.write('env.sh', 'env > found\n'));
  expect(ended.code).toBe(0);
  const lines = readFileSync(join(lab.project, 'found'), 'utf8').split('\n');
  const found = (name: string) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
  return { id: idOf(ended), env, found };
});
/** A job for a person, which stays open. */
const open = async (lab: Lab, ...more: string[]): Promise<string> =>
  idOf(await lab.mam('submit', '--prompt', 'Call mum', '--agent', 'human', '--no-wait', ...more));
const plain = once((lab) => open(lab));
const chosen = once((lab) => open(lab, '--workdir', lab.folder, '--timeout', '7', '--idle-timeout', '8'));
/** The same of a supervisor's server, which is cheaper. */
const server = once((lab) => lab.startServer());
const person = async (lab: Lab): Promise<string> =>
  (await (await server(lab)).ask('delegate_job', { prompt: 'Call mum', agent: 'human' })).job_id;
/** The session that a job would go to, with a program in it that is trusted as its agent. */
async function target(lab: Lab, session: string, ...more: string[]): Promise<unknown> {
  await lab.startSession(session, 'exec sleep 1000');
  const words = ['submit', '--prompt', 'x', '--dry-run', '--json', ...more];
  return JSON.parse((await lab.mam(...words)).stdout).target;
}

/** What each row promises, by the row's first cell. */
const TRIES: Record<string, Try> = {
  submit: async (lab) => expect((await submitted(lab)).code).toBe(0),
  status: async (lab) => {
    const id = await done(lab);
    expect((await lab.mam('status', '--job', id)).stdout).toContain('completed');
    expect((await lab.mam('status', id.slice(0, -4))).stdout).toContain(id);
  },
  list: async (lab) => {
    const id = await done(lab);
    expect((await lab.mam('list', '--status', 'completed', '--agent', 'command')).stdout).toContain(id);
  },
  verify: async (lab) => {
    const [id, script] = [await done(lab), lab.write('seven.sh', 'exit 7\n')];
    expect((await lab.mam('verify', '--job', id, '--validate', script)).code).toBe(7);
    expect(lab.record(id).status).toBe('completed');
  },
  logs: async (lab) => expect((await lab.mam('logs', await done(lab))).stdout).toContain('started'),
  'logs --list': async (lab) => {
    const id = await done(lab);
    expect((await lab.mam('logs', '--list')).stdout).toContain(join(lab.registry, id));
  },
  'the publisher script': async (lab) => {
    const id = await person(lab);
    const report = ['publish', '--job', id, '--event', 'completed', '--detail', 'Called.'];
    expect((await lab.mam(...report)).code).toBe(0);
    expect(lab.record(id)).toMatchObject({ status: 'completed', detail: 'Called.' });
  },
  'the subscriber script': async (lab) => {
    const id = await person(lab);
    const logs = lab.start(['logs', id, '--follow']);
    await until('it follows', () => logs.seen.stdout.includes('queued'));
    await lab.mam('done', id);
    const { code, stdout } = await logs.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('completed');
  },
  'the registry script': async (lab) => {
    const id = await done(lab);
    const { jobs } = JSON.parse((await lab.mam('list', '--json')).stdout);
    expect(jobs.map(({ job_id }: { job_id: string }) => job_id)).toContain(id);
    expect(existsSync(join(lab.project, '.mam', 'jobs', id, 'job.json'))).toBe(true);
  },

  '--prompt': async (lab) => expect(lab.record(await done(lab)).prompt_preview).toBe('Mend the roof'),
  '--prompt-file': async (lab) => {
    const file = lab.write('prompt.md', 'from a file');
    const words = ['submit', '--agent', 'human', '--dry-run', '--prompt-file'];
    expect((await lab.mam(...words, file)).stdout).toContain('For a person: from a file');
    const piped = lab.start([...words, '-']);
    piped.child.stdin.end('from a pipe');
    expect((await piped.ended).stdout).toContain('For a person: from a pipe');
  },
  '--agent': async (lab) => expect(lab.record(await done(lab)).agent).toBe('command'),
  '--agent-session': async (lab) => {
    expect(await target(lab, 'claude')).toBe('tmux:claude');
    for (const kind of ['codex', 'gemini', 'opencode'])
      expect(await target(lab, kind, '--agent', kind)).toBe(`tmux:${kind}`);
    expect(await target(lab, 'nobody', '--agent', 'human')).toBeUndefined();
    expect(await target(lab, 'other', '--agent-session', 'tmux:other')).toBe('tmux:other');
  },
  '--workdir': async (lab) => {
    expect(lab.record(await plain(lab)).workdir).toBe(lab.project);
    expect(lab.record(await chosen(lab)).workdir).toBe(lab.folder);
  },
  '--timeout': async (lab) => {
    expect(lab.record(await plain(lab)).timeouts.timeout_seconds).toBe(3600);
    expect(lab.record(await chosen(lab)).timeouts.timeout_seconds).toBe(7);
  },
  '--idle-timeout': async (lab) => {
    expect(lab.record(await plain(lab)).timeouts.idle_timeout_seconds).toBe(120);
    expect(lab.record(await chosen(lab)).timeouts.idle_timeout_seconds).toBe(8);
  },
  '--validate': async (lab) => {
    expect((await passed(lab)).code).toBe(0);
    expect((await failed(lab)).stdout).toContain('FAIL (exit 7)');
  },
  '--agent human': async (lab) => {
    const id = await open(lab);
    expect((await lab.mam('done', id, 'Called.')).code).toBe(0);
    expect(lab.record(id).status).toBe('completed');
  },

  TMUX_SERVER_NAME: async (lab) => {
    const { stderr, ended } = await withServerName(lab);
    expect(ended.code).toBe(69);
    expect(stderr).toContain(join(lab.folder, `tmux-${process.getuid?.() ?? 0}`, 'elsewhere'));
  },
  DELEGATE_JOB_LOGS_DIR: async (lab) => {
    lab.expected.push(/^(old|new)-logs\b/);
    const folders = { old: join(lab.folder, 'old-logs'), new: join(lab.folder, 'new-logs') };
    const words = ['submit', '--prompt', 'x', '--agent', 'human', '--no-wait'];
    const first = await lab.start(words, { env: { DELEGATE_JOB_LOGS_DIR: folders.old } }).ended;
    expect(lastLine(first)).toBe(join(folders.old, idOf(first)));
    const both = { DELEGATE_JOB_LOGS_DIR: folders.old, MAM_LOGS_DIR: folders.new };
    const second = await lab.start(words, { env: both }).ended;
    expect(lastLine(second)).toBe(join(folders.new, idOf(second)));
    await lab.mam('done', idOf(second));
    await until('the copy is there', () => existsSync(join(folders.new, idOf(second), 'events.jsonl')));
    expect(existsSync(lab.paths(idOf(second)).journal)).toBe(true);
  },
  JOB_ID: async (lab) => {
    const { id, found } = await environment(lab);
    expect(id).not.toBe('');
    expect(found('JOB_ID')).toBe(id);
  },
  REGISTRY_DIR: async (lab) => {
    const { id, found } = await environment(lab);
    expect(found('REGISTRY_DIR')).toBe(lab.registry);
    expect(found('MAM_JOB_DIR')).toBe(join(lab.registry, id));
  },
  PATH: async (lab) => {
    const { env, found } = await environment(lab);
    expect(found('PATH')).toBe(env.PATH);
  },
  VIRTUAL_ENV: async (lab) => {
    const { env, found } = await environment(lab);
    expect(found('VIRTUAL_ENV')).toBe(env.VIRTUAL_ENV);
  },

  'registered job: ID': async (lab) =>
    expect((await submitted(lab)).stdout).toMatch(/^registered job: \S+\n/),
  'validation: PASS': async (lab) => {
    const ended = await passed(lab);
    expect(ended.stdout.split('\n').at(-3)).toBe('validation: PASS');
    expect(lastLine(await lab.mam('verify', '--job', idOf(ended), '--validate', PASSES))).toBe(
      'validation: PASS',
    );
  },
  'validation: FAIL (exit N)': async (lab) => {
    const ended = await failed(lab);
    expect(ended.stdout.split('\n').at(-3)).toBe('validation: FAIL (exit 7)');
    const again = await lab.mam('verify', '--job', idOf(ended), '--validate', FAILS);
    expect(lastLine(again)).toBe('validation: FAIL (exit 7)');
  },
  'the log folder': async (lab) => {
    const ended = await submitted(lab);
    expect(lastLine(ended)).toBe(join(lab.registry, idOf(ended)));
  },

  '0': async (lab) => {
    const id = await done(lab);
    expect((await lab.mam('wait', '--job', id)).code).toBe(0);
    const other = await person(lab);
    await (await lab.reporter).report(other, 'completed');
    expect((await lab.mam('publish', '--job', other, '--event', 'error')).code).toBe(0);
    expect(await lab.mam('verify', '--job', id, '--validate', lab.write('nothing.sh', ''))).toMatchObject({
      code: 0,
    });
  },
  "the script's own": async (lab) => {
    const [id, script] = [await done(lab), lab.write('own.sh', 'exit 42\n')];
    expect((await lab.mam('verify', '--job', id, '--validate', script)).code).toBe(42);
  },
  '1': async (lab) => {
    expect((await failed(lab)).code).toBe(1);
    const id = await person(lab);
    await (await server(lab)).ask('cancel_job', { job_id: id });
    expect((await lab.mam('wait', id)).code).toBe(1);
  },
  '2': async (lab) => {
    // Where MAM_HOME would be is a file: there is neither a hub nor an outbox.
    const env = { MAM_HOME: lab.write('a-file', '') };
    const words = ['publish', '--job', 'x', '--event', 'progress'];
    expect((await lab.start(words, { env }).ended).code).toBe(2);
  },
  '3': async (lab) =>
    expect((await lab.mam('wait', '--job', await person(lab), '--timeout', '0')).code).toBe(3),
  '4': async (lab) => {
    const id = await person(lab);
    await (await lab.reporter).report(id, 'question', { detail: 'Which mum?' });
    expect((await lab.mam('wait', '--job', id)).code).toBe(4);
  },
  '64': async (lab) => expect((await lab.mam('submit')).code).toBe(64),
  '69': async (lab) => {
    // Some session is there, so that a tmux server is.
    await peer(lab);
    const words = ['submit', '--prompt', 'x', '--agent', 'command', '--agent-session', 'tmux:nobody'];
    expect((await lab.mam(...words)).code).toBe(69);
  },
};

/** Rows about all jobs, or about a lab where nothing is yet: each has one of its own. */
const ALONE: Record<string, Try> = {
  wait: async (lab) => {
    const id = await open(lab);
    await lab.mam('done', id);
    expect((await lab.mam('wait', '--job', id)).code).toBe(0);
    expect((await lab.mam('wait')).code).toBe(0);
  },
  '--dry-run': async (lab) => {
    const words = ['submit', '--prompt', 'x', '--dry-run'];
    expect((await lab.mam(...words)).stderr).toContain('No tmux server is running at');
    await lab.startSession('claude', 'exec sleep 1000');
    const ended = await lab.mam(...words);
    expect(ended.stdout).toMatch(/target: tmux:claude[\s\S]*publish_event/);
    expect(lastLine(ended)).toContain(lab.registry);
    expect(existsSync(join(lab.project, '.mam'))).toBe(false);
  },
};

async function withServerName(lab: Lab) {
  const env = { TMUX_SERVER_NAME: 'elsewhere', TMUX: `${lab.socket},1,0` };
  const ended = await lab.start(['submit', '--prompt', 'x'], { env }).ended;
  return { ended, stderr: ended.stderr };
}

test('every row is tried, and nothing else', () => {
  expect(Object.keys({ ...TRIES, ...ALONE }).sort()).toEqual([...ROWS].sort());
});

sharing.concurrent.for(Object.entries(TRIES))('%s', async ([, attempt], { lab }) => {
  await attempt(lab);
});

test.concurrent.for(Object.entries(ALONE))('%s', async ([, attempt], { lab }) => {
  await attempt(lab);
});
