import { afterEach, expect, test } from 'vitest';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import { until } from '../support/until.ts';

let two: TwoHosts;
afterEach(({ task }) => two.world.end(task.result?.state === 'fail'));

test('an ask that comes while it is tested whether the broker checks who sends is held, and carried out at once', async () => {
  two = await TwoHosts.make({ relayed: true });
  await two.meet();
  const peer = await two.b.startPeer('mute');
  const server = await two.a.startServer();
  let isAsked = (): void => {};
  const asked = new Promise<void>((done) => {
    isAsked = done;
  });
  let asks = 0;
  // Its test goes on only once it has been asked, and what comes again is lost.
  two.relay('hostb').rule = async ({ isSaid, topic, text }) => {
    if (isSaid && text.includes('"probe"')) await asked;
    if (isSaid || !topic.endsWith('/in/hosta/ask') || !text.includes('"delegate"')) return true;
    isAsked();
    return ++asks === 1;
  };
  const restarted = new Date().toISOString();
  await two.startHub(two.b);
  await until('hosta knows the new hub', async () => {
    const [row] = (await two.a.json('hosts')).rows;
    return row.state === 'online' && row.since > restarted;
  });
  const given = await two.delegate(server, peer);
  expect(given['delivery_stage']).not.toBe('unconfirmed');
}, 60_000);
