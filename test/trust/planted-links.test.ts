import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Ended } from '../support/command.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

/**
 * What a cloned repository, or a sandboxed peer, can put into a project's `.mam`: links to what is ours elsewhere. Each
 * test has its own project, all are used with one hub.
 */
let lab: Lab;
let project: Project;
let projects = 0;
/** Projects with a live job `live-…` that the hub finds when it starts. */
const live: Record<'link' | 'hard link' | 'texts', Project> = {} as never;
/** The content of the files behind the links before any hub looked. */
const letters: Record<string, string> = {};

beforeAll(() => {
  lab = new Lab();
  lab.expected.push(NOT_OURS, /^h\/outbox\/[\w.-]+\.json$/);
  for (const kind of ['link', 'hard link', 'texts'] as const) {
    live[kind] = makeProject();
    const { registry, precious } = live[kind];
    const id = plant(lab, idOf(kind), {}, registry);
    const letter = join(precious, 'deep', 'letter.txt');
    const journal = lab.paths(id, registry).journal;
    if (kind === 'texts') symlinkSync(join(precious, 'deep'), join(registry, id, 'texts'));
    else {
      letters[kind] = readFileSync(journal, 'utf8');
      writeFileSync(letter, letters[kind]);
      swap(journal, (path) => (kind === 'link' ? symlinkSync(letter, path) : linkSync(letter, path)));
    }
  }
});
beforeEach(() => {
  project = makeProject();
});
afterAll(() => lab.end());

interface Project {
  folder: string;
  registry: string;
  /** What the links lead to. */
  precious: string;
}

function makeProject(): Project {
  const folder = join(lab.folder, `project-${++projects}`);
  const registry = join(folder, '.mam', 'jobs');
  mkdirSync(registry, { recursive: true });
  const precious = join(lab.folder, `precious-${projects}`);
  mkdirSync(join(precious, 'deep'), { recursive: true });
  writeFileSync(join(precious, 'deep', 'letter.txt'), 'do not lose me');
  writeFileSync(join(precious, 'rc'), 'export PATH\n');
  return { folder, registry, precious };
}

const idOf = (kind: string): string => `live-${kind.replace(' ', '-')}-12345678`;

const untouched = ({ precious } = project): void => {
  expect(readdirSync(precious).sort()).toEqual(['deep', 'rc']);
  expect(readFileSync(join(precious, 'rc'), 'utf8')).toBe('export PATH\n');
  expect(readFileSync(join(precious, 'deep', 'letter.txt'), 'utf8')).toBe('do not lose me');
};

const mam = ({ folder: cwd }: Project, args: string[], input = ''): Promise<Ended> =>
  lab.start(args, { cwd, input }).ended;

/** Replaces a file or folder with something else. */
function swap(path: string, make: (path: string) => void): void {
  rmSync(path, { recursive: true });
  make(path);
}

/** Everything a user does that makes a hub open the registry. */
async function openRegistry(one = project): Promise<string[]> {
  const submitted = await mam(one, ['submit', '--agent', 'human', '--prompt', 'look around', '--no-wait']);
  await mam(one, ['list']);
  await mam(one, ['prune', '--older-than', '2099-01-01']);
  return [submitted.stderr, String(submitted.code)];
}

describe('the trash of a registry', () => {
  test('that is a link to a folder is left alone, and so is that folder', async () => {
    symlinkSync(project.precious, join(project.registry, '.trash'));
    await openRegistry();
    untouched();
    expect(readlinkSync(join(project.registry, '.trash'))).toBe(project.precious);
  });

  test("that contains a link with a job's name loses neither the link nor its target", async () => {
    const trash = join(project.registry, '.trash');
    mkdirSync(trash);
    symlinkSync(project.precious, join(trash, 'some-job-12345678.abcdefgh'));
    await openRegistry();
    untouched();
    expect(existsSync(join(trash, 'some-job-12345678.abcdefgh'))).toBe(true);
  });

  test('keeps what is not a job: a name of a different form, and files that no hub wrote', async () => {
    const trash = join(project.registry, '.trash');
    mkdirSync(join(trash, 'notes'), { recursive: true });
    writeFileSync(join(trash, 'notes', 'a.txt'), 'mine');
    mkdirSync(join(trash, 'some-job-12345678.abcdefgh'));
    writeFileSync(join(trash, 'some-job-12345678.abcdefgh', 'thesis.tex'), 'mine');
    await openRegistry();
    expect(readFileSync(join(trash, 'notes', 'a.txt'), 'utf8')).toBe('mine');
    expect(readFileSync(join(trash, 'some-job-12345678.abcdefgh', 'thesis.tex'), 'utf8')).toBe('mine');
  });

  test('is emptied of the jobs that a killed hub left in it', async () => {
    const left = join(project.registry, '.trash', 'some-job-12345678.abcdefgh');
    mkdirSync(join(left, 'texts'), { recursive: true });
    writeFileSync(join(left, 'events.jsonl'), '');
    writeFileSync(join(left, 'texts', 'a'.repeat(64)), 'text');
    await openRegistry();
    await until('the trash is gone', () => !existsSync(join(project.registry, '.trash')));
  });
});

describe('a link in place of a file that a hub writes', () => {
  test('is not written through, and a broken one creates no file', async () => {
    const used: Project[] = [];
    for (const name of ['.hub.owner', '.index.jsonl']) {
      for (const target of ['rc', 'new']) {
        const one = makeProject();
        symlinkSync(join(one.precious, target), join(one.registry, name));
        await openRegistry(one);
        used.push(one);
      }
    }
    // The index is written some time after the job, at the latest when the hub ends.
    await lab.mam('hub', 'stop');
    for (const one of used) untouched(one);
  });

  test('the lock folder, the election and the heartbeat of a lock are not followed', async () => {
    symlinkSync(project.precious, join(project.registry, '.hub.lock'));
    symlinkSync(project.precious, join(project.registry, '.hub.election'));
    await openRegistry();
    untouched();
  });

  test.each(['link', 'hard link'] as const)('a %s as a live journal is not appended to', async (kind) => {
    const one = live[kind];
    const other = join(one.precious, 'deep', 'letter.txt');
    const words = ['publish', '--job', idOf(kind), '--event', 'progress', '--detail', 'rm -rf'];
    const told = await mam(one, words);
    expect(readFileSync(other, 'utf8')).toBe(letters[kind]);
    expect(told.stdout + told.stderr).not.toContain('recorded');
  });

  test('the folder of texts is not written into when it is a link', async () => {
    const publish = ['publish', '--job', idOf('texts'), '--event', 'completed'];
    await mam(live.texts, [...publish, '--detail', 'long '.repeat(390)]);
    await mam(live.texts, [...publish, '--result-file', '-'], 'x'.repeat(9000));
    untouched(live.texts);
  });
});

test.each(['.mam', '.mam/jobs'])('a registry whose %s is a link is refused, with a way out', async (name) => {
  const elsewhere = join(project.precious, 'elsewhere');
  mkdirSync(join(elsewhere, 'jobs'), { recursive: true });
  swap(join(project.folder, name), (path) =>
    symlinkSync(name === '.mam' ? elsewhere : join(elsewhere, 'jobs'), path),
  );
  const [stderr, code] = await openRegistry();
  expect(code).toBe('69');
  expect(stderr).toMatch(/is a link, so nothing is written there\. Set MAM_REGISTRY_DIR/);
  expect(readdirSync(join(elsewhere, 'jobs'))).toEqual([]);
});

test("a user's own link is followed when the user names it", async () => {
  const elsewhere = join(lab.folder, 'elsewhere');
  mkdirSync(elsewhere);
  const link = join(lab.folder, 'jobs-link');
  symlinkSync(elsewhere, link);
  const env = { MAM_REGISTRY_DIR: link };
  const { code } = await lab.start(['submit', '--agent', 'human', '--prompt', 'x', '--no-wait'], { env })
    .ended;
  expect(code).toBe(0);
  expect(readdirSync(elsewhere).some((name) => name.endsWith('-x'))).toBe(true);
});
