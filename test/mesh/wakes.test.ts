import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { jobPaths } from '../../src/registry/paths.ts';
import type { Hosts } from '../support/hosts/hosts.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

/** Longer than a pending wake takes: collecting, and looking twice. */
const WAKE_MS = 4_000;

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

test('a supervisor in its pane is told once of each change on the other host, and of its absence', async () => {
  const two = await TwoHosts.make();
  world = two.world;
  const { a, b } = two;
  const config = JSON.parse(readFileSync(join(a.home, 'config.json'), 'utf8'));
  a.configure({ ...config, agents: { boss: { session: 'tmux:boss', ready: 'READY> *$', busy: 'WORKING' } } });
  a.more = { ...a.more, MAM_HOST_GRACE_SECONDS: '1' };
  await two.meet();
  const peer = await b.startPeer('mute');
  const file = join(a.folder, 'out-boss');
  a.expected.push(/^out-boss$/);
  const submit = `"${process.execPath}" "${PROGRAM}" submit --no-wait --notify pane --prompt roof`;
  const all = `${submit} --agent command --agent-session ${peer.address}@hostb >> ${file}.part 2>&1`;
  const hook = `test -e ${file} || { ${all}; mv ${file}.part ${file}; }`;
  const boss = await a.startPeer('mute', { session: 'boss', args: ['--hook', hook] });
  await a.tmux('set-buffer', '-b', 'go', 'go');
  await a.tmux('paste-buffer', '-p', '-d', '-b', 'go', '-t', boss.pane);
  await a.tmux('send-keys', '-t', boss.pane, 'Enter');
  const out = await until('it has delegated', () => existsSync(file) && readFileSync(file, 'utf8'));
  const [, id = ''] = /^registered job: (\S+)$/m.exec(out) ?? [];
  const lines = (): string[] => boss.pastes.filter((text) => text.startsWith(`Job ${id} `));
  const state = () => JSON.parse(readFileSync(jobPaths(a.registry, id).replica, 'utf8'));
  /** The next hub of hosta takes up what the killed one has left. */
  const killed = async (): Promise<void> => {
    await a.killHub();
    await two.startHub(a);
    await sleep(WAKE_MS);
  };

  const reporter = await b.reporter;
  await reporter.report(id, 'question', { detail: 'Slate or tin?' });
  await until('a line', () => lines().length === 1);
  expect(lines()[0]).toContain('needs you (question)');
  await until('it is noted', () => state().notified_seq > 0 && state().notifying === undefined);
  await killed();
  expect(lines()).toHaveLength(1);

  await b.killHub();
  await until('a second line', () => lines().length === 2);
  expect(lines()[1]).toContain('needs you (hostb is offline)');
  await until('it is noted', () => state().notified_episode === state().episode);
  await killed();
  expect(lines()).toHaveLength(2);

  await two.startHub(b);
  await until('hostb is back', () => state().offline_since === undefined);
  await reporter.report(id, 'completed', { detail: 'Slate.' });
  await until('a third line', () => lines().length === 3);
  expect(lines()[2]).toContain('is completed');
  await two.agree(id, 'completed');
  await killed();
  expect(lines()).toHaveLength(3);
});
