import { afterEach, expect, test } from 'vitest';
import { overSsh } from '../support/hosts/fake-ssh.ts';
import type { Hosts } from '../support/hosts/hosts.ts';
import { until } from '../support/until.ts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

test('a job on another host is in the list and on its own page, and its pane is shown over ssh', async () => {
  world = await overSsh();
  const [a, b] = [world.lab('hosta'), world.lab('hostb')];
  const peer = await b.startPeer('good', {
    session: 'early',
    args: ['--report', 'started,question:Which one?'],
  });
  const server = await a.startServer();
  const { job_id, attach_command } = await server.delegate(peer, { agent_session: `${peer.address}@hostb` });
  const command = `ssh -t -- me@hostb.lan 'tmux -S ${b.socket} attach -t %0'`;
  expect(attach_command).toBe(command);
  const waited = await server.ask('wait_job', { job_id, timeout_seconds: 30 });
  expect(waited.jobs).toMatchObject([{ host: 'hostb', reason: 'question', home: { online: true } }]);
  expect(waited['next']).toContain(`A person can look at its pane (${command}).`);

  const list = await a.mam('list');
  expect(list.stdout.trimEnd().split('\t').at(-1)).toBe('hostb');
  expect((await b.mam('list', '--all')).stdout.trimEnd().split('\t').at(-1)).toBe('from hosta');
  expect((await a.mam('hub')).stdout).toContain('\nopen jobs   0, and 1 on another host\n');
  expect((await b.mam('hub')).stdout).toContain('\nopen jobs   1\n');
  expect((await a.mam('doctor')).stdout).toMatch(/It is running: .*, 0 open jobs, and 1 on another host\n/);
  const status = await a.mam('status', job_id);
  expect(status.stdout).toContain('\nhost       hostb, online\n');
  expect(status.stdout).toMatch(/\nworkdir {4}\S+ \(on hostb\)\n/);
  expect(await a.json('attach', job_id)).toMatchObject({ attach_command: command, host: 'hostb' });
  expect((await a.mam('hosts')).stdout).toContain('\tssh me@hostb.lan\teverything / nothing\n');

  const person = 'person';
  await a.startSession(person, 'exec env HISTFILE=/dev/null PS1="$ " bash --norc --noprofile -i');
  const screen = () => a.steadyTmux('capture-pane', '-p', '-t', `=${person}:`);
  await a.steadyTmux('send-keys', '-t', `=${person}:`, '-l', `clear; mam attach ${job_id}; echo "back $?"`);
  await a.steadyTmux('send-keys', '-t', `=${person}:`, 'Enter');
  await until("the peer's screen is shown", async () => /\[early\]/.test(await screen()));
  await b.tmux('detach-client', '-s', '=early');
  await until('it has detached', async () => /^back 0$/m.test(await screen()));
});
