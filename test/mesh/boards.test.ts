import { afterEach, expect, test } from 'vitest';
import { Board } from '../support/board.ts';
import { overSsh } from '../support/hosts/fake-ssh.ts';
import type { Hosts } from '../support/hosts/hosts.ts';
import { until } from '../support/until.ts';
import { Web } from '../support/web.ts';

let world: Hosts;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

test('the boards delegate to a session of another host, named as everywhere', async () => {
  // The test itself asks the page's server.
  world = await overSsh({}, { over: 'loopback' });
  const [a, b] = [world.lab('hosta'), world.lab('hostb')];
  const peer = await b.startPeer('mute', { session: 'late' });

  const board = await Board.start(a);
  await board.press('n');
  await board.shows('New job in');
  await board.type('Paint the fence');
  for (let step = 0; step < 9; step++) await board.press('Down');
  await board.shows('▸ another program');
  await board.press('Enter');
  await board.shows('Name its tmux session');
  await board.type('late@hostb');
  await board.shows('tmux:late@hostb');
  await board.press('Enter');
  await until('the order is in its pane', () => peer.pastes.some((text) => text.includes('paint-the-fence')));
  await board.shows('Delegated ');
  await board.leave();

  const web = await Web.start(a);
  const own = await web.enter();
  const job = { prompt: 'Oil the gate', agent: 'command', agent_session: 'tmux:late@hostb' };
  const answer = await web.call(own, 'call/delegate_job', job);
  expect(answer).toMatchObject({ status: 200, text: expect.stringContaining('-oil-the-gate') });
  const ids = (await a.json('list')).jobs.map((one: { job_id: string }) => one.job_id);
  expect(ids).toContainEqual(expect.stringContaining('-oil-the-gate'));
});
