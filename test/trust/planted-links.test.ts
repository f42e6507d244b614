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
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

/** What a cloned repository, or a sandboxed peer, can put into a project's `.mam`: links to what is ours elsewhere. */
let lab: Lab;
let precious: string;
beforeEach(() => {
  lab = new Lab({ MAM_HUB_IDLE_SECONDS: '1' });
  // The links that a test plants stay, whatever is not written through them.
  lab.expected.push(NOT_OURS, /^p\/\.mam\/jobs(\/\.index\.jsonl)?$/);
  mkdirSync(lab.registry, { recursive: true });
  precious = join(lab.folder, 'precious');
  mkdirSync(join(precious, 'deep'), { recursive: true });
  writeFileSync(join(precious, 'deep', 'letter.txt'), 'do not lose me');
  writeFileSync(join(precious, 'rc'), 'export PATH\n');
});
afterEach(() => lab.end());

const untouched = (): void => {
  expect(readdirSync(precious).sort()).toEqual(['deep', 'rc']);
  expect(readFileSync(join(precious, 'rc'), 'utf8')).toBe('export PATH\n');
  expect(readFileSync(join(precious, 'deep', 'letter.txt'), 'utf8')).toBe('do not lose me');
};

/** Puts something else in the place of a file or folder. */
function swap(path: string, make: (path: string) => void): void {
  rmSync(path, { recursive: true });
  make(path);
}

/** Everything a user does that makes a hub open the registry. */
async function useRegistry(): Promise<string[]> {
  const submitted = await lab.mam('submit', '--agent', 'human', '--prompt', 'look around', '--no-wait');
  await lab.mam('list');
  await lab.mam('prune', '--older-than', '2099-01-01');
  return [submitted.stderr, String(submitted.code)];
}

describe('the trash of a registry', () => {
  test('that is a link to a folder is left alone, and so is that folder', async () => {
    symlinkSync(precious, join(lab.registry, '.trash'));
    lab.expected.push(/^p\/\.mam\/jobs\/\.trash$/);
    await useRegistry();
    untouched();
    expect(readlinkSync(join(lab.registry, '.trash'))).toBe(precious);
  });

  test('that holds a link in the form of a job loses neither the link nor what it leads to', async () => {
    const trash = join(lab.registry, '.trash');
    mkdirSync(trash);
    symlinkSync(precious, join(trash, 'some-job-12345678.abcdefgh'));
    lab.expected.push(/^p\/\.mam\/jobs\/\.trash\//);
    await useRegistry();
    untouched();
    expect(existsSync(join(trash, 'some-job-12345678.abcdefgh'))).toBe(true);
  });

  test('keeps what is not a job: a name of another form, and files that no hub wrote', async () => {
    const trash = join(lab.registry, '.trash');
    mkdirSync(join(trash, 'notes'), { recursive: true });
    writeFileSync(join(trash, 'notes', 'a.txt'), 'mine');
    mkdirSync(join(trash, 'some-job-12345678.abcdefgh'));
    writeFileSync(join(trash, 'some-job-12345678.abcdefgh', 'thesis.tex'), 'mine');
    lab.expected.push(/^p\/\.mam\/jobs\/\.trash\//);
    await useRegistry();
    expect(readFileSync(join(trash, 'notes', 'a.txt'), 'utf8')).toBe('mine');
    expect(readFileSync(join(trash, 'some-job-12345678.abcdefgh', 'thesis.tex'), 'utf8')).toBe('mine');
  });

  test('is emptied of the jobs that a killed hub left in it', async () => {
    const left = join(lab.registry, '.trash', 'some-job-12345678.abcdefgh');
    mkdirSync(join(left, 'texts'), { recursive: true });
    writeFileSync(join(left, 'events.jsonl'), '');
    writeFileSync(join(left, 'texts', 'a'.repeat(64)), 'text');
    await useRegistry();
    await until('the trash is gone', () => !existsSync(join(lab.registry, '.trash')));
  });
});

describe('a link in the place of a file that a hub writes', () => {
  test.each(['.hub.owner', '.index.jsonl'])('%s is not written through', async (name) => {
    symlinkSync(join(precious, 'rc'), join(lab.registry, name));
    await useRegistry();
    // The index is written some time after the job, at the latest when the hub ends.
    await lab.mam('hub', 'stop');
    untouched();
  });

  test.each(['.hub.owner', '.index.jsonl'])('%s that leads nowhere makes no file there', async (name) => {
    symlinkSync(join(precious, 'new'), join(lab.registry, name));
    await useRegistry();
    await lab.mam('hub', 'stop');
    untouched();
  });

  test('the lock folder, the election and the beat of a lock are not followed', async () => {
    symlinkSync(precious, join(lab.registry, '.hub.lock'));
    symlinkSync(precious, join(lab.registry, '.hub.election'));
    await useRegistry();
    untouched();
  });

  test.each(['link', 'hard link'])('a %s as the journal of a live job is not appended to', async (kind) => {
    const id = plant(lab, 'live-job-12345678');
    const journal = lab.paths(id).journal;
    const text = readFileSync(journal, 'utf8');
    const other = join(precious, 'deep', 'letter.txt');
    writeFileSync(other, text);
    lab.expected.push(/^p\/\.mam\/jobs\/live-job-12345678\/events\.jsonl$/, /^h\/outbox\/[\w-]+\.json$/);
    swap(journal, (path) => (kind === 'link' ? symlinkSync(other, path) : linkSync(other, path)));
    const told = await lab.mam('publish', '--job', id, '--event', 'progress', '--detail', 'rm -rf');
    expect(readFileSync(other, 'utf8')).toBe(text);
    expect(told.stdout + told.stderr).not.toContain('recorded');
    writeFileSync(other, 'do not lose me');
  });

  test('the folder of texts is not written into when it is a link', async () => {
    const id = plant(lab, 'live-job-12345678');
    symlinkSync(join(precious, 'deep'), join(lab.registry, id, 'texts'));
    lab.expected.push(/^p\/\.mam\/jobs\/live-job-12345678\/texts$/, /^h\/outbox\/[\w-]+\.json$/);
    const detail = 'long '.repeat(390);
    await lab.start(['publish', '--job', id, '--event', 'completed', '--detail', detail], {}).ended;
    await lab.start(['publish', '--job', id, '--event', 'completed', '--result-file', '-'], {
      input: 'x'.repeat(9000),
    }).ended;
    untouched();
  });
});

test.each(['.mam', '.mam/jobs'])(
  'a registry whose %s is a link is refused, with the way out',
  async (name) => {
    const elsewhere = join(lab.folder, 'elsewhere');
    mkdirSync(join(elsewhere, 'jobs'), { recursive: true });
    swap(join(lab.project, name), (path) =>
      symlinkSync(name === '.mam' ? elsewhere : join(elsewhere, 'jobs'), path),
    );
    const [stderr, code] = await useRegistry();
    expect(code).toBe('69');
    expect(stderr).toMatch(/is a link, so nothing is written there\. Set MAM_REGISTRY_DIR/);
    expect(readdirSync(join(elsewhere, 'jobs'))).toEqual([]);
  },
);

test("a user's own link is followed when the user names it", async () => {
  const elsewhere = join(lab.folder, 'elsewhere');
  mkdirSync(elsewhere);
  const link = join(lab.folder, 'jobs-link');
  symlinkSync(elsewhere, link);
  const env = { MAM_REGISTRY_DIR: link };
  const { code } = await lab.start(['submit', '--agent', 'human', '--prompt', 'x', '--no-wait'], { env })
    .ended;
  expect(code).toBe(0);
  expect(readdirSync(elsewhere).some((name) => name.startsWith('x-'))).toBe(true);
});
