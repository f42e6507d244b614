import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { PROGRAM } from '../support/mcp-client.ts';
import { sessionsIn } from '../support/robots.ts';
import { until } from '../support/until.ts';
import { blocks, lineWith, ROOT, read } from './markdown.ts';
import { FAKE, testWith, type Written } from './written.ts';

const test = testWith([]);
const PAGE = 'docs/worktrees.md';
const PEER = join(ROOT, 'test/peers/peer.mjs');
const idOf = (printed: string): string => /^registered job: (\S+)$/m.exec(printed)?.[1] ?? '';

/** A repository, and agents that commit a file named after their program. */
async function prepare(lab: Lab, agents: object): Promise<void> {
  lab.configure({ agents });
  lab.expected.push(/^\.gitconfig$/, /^robot-\d+\.log$/, /^p\/\.git\//, /^p\.worktrees\//, /^h\/agents\//);
  writeFileSync(join(lab.folder, '.gitconfig'), '[user]\nname = x\nemail = x@localhost\n');
  for (const name of ['codex', 'claude']) {
    const work = `echo work > ${name}.txt && git add ${name}.txt && git commit -q -m "The work of ${name}"`;
    const words = [process.execPath, PEER, '--mam', PROGRAM, '--hook', work];
    const line = words.map((word) => `'${word}'`).join(' ');
    // Its last word is its first prompt.
    const script = `for order; do :; done\nexec ${line} --log ${lab.folder}/robot-$$.log --order "$order"`;
    lab.write(`bin/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
    lab.expected.push(new RegExp(`^p/bin/${name}$`));
  }
  await lab.type('git init -q -b main && git commit -q --allow-empty -m begin');
}
type Lab = Written;

/** Sessions of their own end once their jobs are done and looked at. */
async function untilEnded(lab: Lab): Promise<void> {
  await until('no session is left', async () => (await sessionsIn(lab)).length === 0);
}

test('work in worktrees is looked at, merged and discarded', async ({ lab }) => {
  await prepare(lab, { codex: FAKE, 'claude-code': FAKE });
  const one = idOf(await lab.type(lineWith('README.md', 'mam submit --worktree')));
  const two = idOf(await lab.type(lineWith(PAGE, '--worktree rewrite-cache')));
  const three = idOf(await lab.type(lineWith(PAGE, 'mam submit --worktree --agent')));
  await lab.type(lineWith('README.md', 'mam wait'));
  for (const id of [one, two, three]) {
    await until('it is completed', () => lab.record(id).status === 'completed');
    // It reports while it commits.
    const { folder, branch } = lab.record(id).worktree ?? {};
    await until('its work is committed', async () =>
      (await lab.type(`git -C '${folder}' log --format=%s ${branch}`)).includes('The work of'),
    );
  }
  expect(lab.record(two)).toMatchObject({ worktree: { branch: 'rewrite-cache' } });
  expect(await lab.type(lineWith('README.md', 'mam diff').replace('JOB_ID', one))).toContain('+work');
  expect(await lab.type(lineWith(PAGE, 'mam diff').replace('JOB_ID', two))).toMatch(/claude\.txt \| 1 \+/);
  await lab.type(lineWith('README.md', 'mam merge').replace('JOB_ID', one));
  expect(existsSync(join(lab.project, 'codex.txt'))).toBe(true);
  await lab.type(lineWith(PAGE, 'mam merge').replace('JOB_ID', two));
  expect(existsSync(join(lab.project, 'claude.txt'))).toBe(true);
  await lab.type(`mam status ${three}`);
  await untilEnded(lab);
  const discard = lineWith('README.md', 'mam discard').replace('JOB_ID', one);
  expect(lineWith(PAGE, 'mam discard').replace('JOB_ID', one)).toBe(discard);
  // Nobody can be asked here.
  await expect(lab.type(discard)).rejects.toThrow(/--yes/);
  await lab.type(`${discard} --yes`);
  expect(existsSync(lab.record(one).worktree?.folder ?? '')).toBe(false);
  // Its commit was merged from another branch as well: what both have done is the same file, not the same commit.
  await expect(lab.type(`mam discard ${three} --yes`)).rejects.toThrow(/no other branch has/);
});

test('a builder, and a reviewer who begins with what it has committed', async ({ lab }) => {
  const written = blocks(read('docs/agents.md')).find(({ text }) => text.includes('"reviewer"'))?.text ?? '';
  const { builder, reviewer } = JSON.parse(written).agents;
  await prepare(lab, { builder: { ...builder, ...FAKE }, reviewer: { ...reviewer, ...FAKE } });
  lab.expected.push(/^h\/review\.md$/);
  writeFileSync(join(lab.home, 'review.md'), 'Be strict.\n');
  const built = idOf(await lab.type(lineWith(PAGE, '--agent builder')));
  const line = lineWith(PAGE, '--agent reviewer').replace('BUILDER_ID', built);
  const reviewed = idOf(await lab.type(line));
  const record = lab.record(reviewed);
  expect(record).toMatchObject({ status: 'completed', profile: 'reviewer', agent: 'claude-code' });
  expect(existsSync(join(record.worktree?.folder ?? '', 'codex.txt'))).toBe(true);
  expect(await lab.type(lineWith('docs/agents.md', 'mam list --agent reviewer'))).toContain(reviewed);
  await lab.type(`mam wait ${built}`);
  await untilEnded(lab);
  for (const name of ['builder', 'reviewer']) {
    lab.sessions.add(name);
    await lab.type(lineWith('docs/agents.md', `--agent ${name} --start`));
    await lab.type(`mam stop ${name}`);
  }
});

test('a job in a session of its own, one after another, and what they have used', async ({ lab }) => {
  await prepare(lab, { codex: FAKE, 'claude-code': FAKE });
  const alone = idOf(await lab.type(lineWith('docs/agents.md', 'mam submit --new')));
  await lab.type(`mam wait ${alone}`);
  await untilEnded(lab);
  for (const session of ['codex', 'claude']) lab.sessions.add(session);
  await lab.type('mam start codex');
  await lab.type('mam start claude-code');
  const first = idOf(await lab.type(lineWith('docs/jobs.md', 'mam submit --agent codex --no-wait')));
  const chained = lineWith('docs/jobs.md', '--after JOB_ID').replaceAll('JOB_ID', first);
  const second = idOf(await lab.type(chained));
  await lab.type(`mam wait ${second}`);
  expect(lab.record(second)).toMatchObject({ status: 'completed', after: [first] });
  const listed = await lab.type(lineWith('docs/jobs.md', 'mam list --usage'));
  for (const id of [first, second]) expect(listed).toContain(id);
  for (const session of ['codex', 'claude']) await lab.type(`mam stop ${session}`);
});
