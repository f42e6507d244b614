import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { blocks, read, shellCommands } from './markdown.ts';
import { FAKE, testWith, type Written } from './written.ts';

const test = testWith(['claude', 'codex']);
const COMMIT = 'git init -q && git -c user.name=x -c user.email=x@localhost commit -q --allow-empty -m x';
const idOf = (printed: string): string => /^registered job: (\S+)$/m.exec(printed)?.[1] ?? '';

/** A page whose every line is typed. */
class Page {
  readonly #lab: Written;
  readonly #lines: string[];
  readonly path: string;

  constructor(lab: Written, name: string) {
    this.#lab = lab;
    this.path = `docs/how-to/${name}.md`;
    this.#lines = shellCommands(read(this.path));
  }

  /** Takes the first line with these words that was not taken before. @throws if there is none */
  take(...words: string[]): string {
    const at = this.#lines.findIndex((line) => words.every((word) => line.includes(word)));
    const [line] = at < 0 ? [] : this.#lines.splice(at, 1);
    if (line === undefined) throw new Error(`${this.path} has no other line with ${words.join(', ')}`);
    return line;
  }

  /** Types such a line. @param id for JOB_ID */
  type(words: string[], id = ''): Promise<string> {
    return this.#lab.type(this.take(...words).replace('JOB_ID', id));
  }

  /** @throws if a line was not typed */
  end(): void {
    expect(this.#lines).toEqual([]);
  }
}

/** The scripts of a page, which it shows from their first line on. */
const scriptsOf = ({ path }: Page) =>
  blocks(read(path)).flatMap(({ text }) => (text.startsWith('#!/bin/sh\n') ? [text] : []));

/** The fake peer plays both agents, and runs already unless the page starts it. */
async function prepare(lab: Written, ...running: string[]): Promise<void> {
  lab.configure({ agents: { codex: FAKE, 'claude-code': FAKE } });
  lab.expected.push(/^p\/\.git\//, /^\.npm\//);
  await lab.type(COMMIT);
  for (const session of running) await lab.startPeer('good', { session });
}

test('two agents side by side', async ({ lab }) => {
  const page = new Page(lab, 'side-by-side');
  await prepare(lab);
  // The next start of an agent sweeps what the ended ones had.
  lab.expected.push(/^with-codex\b/, /^h\/agents\//);
  lab.write('task.md', 'Mend the roof\n');
  const sessions = ['claude', 'codex', 'codex-2'];
  for (const session of sessions) lab.sessions.add(session);
  await page.type(['worktree']);
  // The fake agent has no server to wait for, so each start takes its time.
  await Promise.all(sessions.map(() => page.type(['mam start'])));
  const ids: string[] = [];
  for (const _ of sessions) ids.push(idOf(await page.type(['mam submit'])));
  await page.type(['mam wait']);
  const worktree = join(lab.folder, 'with-codex');
  expect(ids.map((id) => lab.record(id))).toMatchObject([
    { agent: 'claude-code', workdir: lab.project, status: 'completed' },
    { agent: 'codex', workdir: worktree, status: 'completed' },
    { agent: 'codex', agent_session: { session: 'codex-2' }, status: 'completed' },
  ]);
  await page.type(['git diff']);
  await page.type(['git -C']);
  page.end();
  await Promise.all(sessions.map((name) => lab.type(`mam stop ${name}`)));
});

test("Codex reviews Claude's work", async ({ lab }) => {
  const page = new Page(lab, 'review');
  await prepare(lab, 'codex');
  lab.write('accepted.sh', scriptsOf(page)[0] ?? '');
  lab.write('review.md', 'Review it\n');
  lab.write('REVIEW.txt', 'VERDICT: accept\n');
  await page.type(['chmod']);
  const submit = page.take('mam submit');
  expect(await lab.type(submit)).toContain('\nvalidation: PASS\n');
  lab.write('REVIEW.txt', 'a.ts:1: it leaks\nVERDICT: reject\n');
  expect(await lab.try(submit)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('validation: FAIL'),
  });
  page.end();
});

test('a night run', async ({ lab }) => {
  const page = new Page(lab, 'night-run');
  await prepare(lab, 'codex');
  lab.expected.push(/^night\b/);
  lab.write('check.sh', scriptsOf(page)[0] ?? '');
  lab.write('night.md', 'Mend everything\n');
  await page.type(['chmod']);
  await page.type(['worktree']);
  const night = join(lab.folder, 'night');
  mkdirSync(join(night, 'src'));
  const scripts = { test: 'true', lint: 'true' };
  writeFileSync(join(night, 'package.json'), JSON.stringify({ scripts }));
  const id = idOf(await page.type(['mam submit']));
  await lab.type(`mam wait ${id}`);
  expect(lab.record(id)).toMatchObject({
    status: 'completed',
    timeouts: { timeout_seconds: 28_800, idle_timeout_seconds: 1_800 },
    validation: { max_rounds: 5 },
  });
  expect(await page.type(['mam list'])).toContain('completed');
  expect(await page.type(['mam logs'], id)).toContain('validated');
  expect(await page.type(['mam verify'], id)).toContain('validation: PASS');
  await page.type(['git -C']);
  page.end();
});

test('a person in the loop', async ({ lab }) => {
  const page = new Page(lab, 'person-in-the-loop');
  await prepare(lab);
  const peer = await lab.startPeer('mute', { session: 'codex' });
  const reporter = await lab.startPeerServer();
  const id = idOf(await lab.type("mam submit 'Mend it' --agent codex --no-wait"));
  await reporter.report(id, 'permission_required', { detail: 'rm the old roof' });
  await page.type(['mam list']);
  await page.type(['mam allow']);
  expect(lab.record(id).requests.at(-1)).toMatchObject({ decision: 'allow', decided_by: 'person' });
  await peer.gets(2, 2);
  await reporter.report(id, 'question', { detail: 'Which database?' });
  await page.type(['staging']);
  await until('the answer is typed', () => peer.pastes.length === 3);
  await reporter.report(id, 'completed');

  const human = idOf(await page.type(['--agent human']));
  await page.type(['mam done'], human);
  const detail = expect.stringContaining('380 pixels');
  expect(lab.record(human)).toMatchObject({ status: 'completed', detail });
  expect(await page.type(['--dry-run'])).toContain('target: tmux:codex');
  page.end();
});

test('an agent of your own', async ({ lab }) => {
  const page = new Page(lab, 'your-own-agent');
  lab.configure(blocks(read(page.path)).find(({ language }) => language === 'json')?.text ?? '');
  lab.sessions.add('my-agent');
  expect(await page.type(['mam start'])).toContain('my-agent is ready in tmux:my-agent');
  expect(await page.type(['mam agents'])).toMatch(/^my-agent\s+tmux:my-agent %\d+\s+idle/);
  expect(await page.type(['mam submit'])).toContain('hello.txt says: Hello');
  expect(readFileSync(join(lab.project, 'hello.txt'), 'utf8')).toBe('Hello\n');
  await page.type(['mam stop']);
  page.end();
});
