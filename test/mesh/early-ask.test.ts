import { afterEach, expect, test } from 'vitest';
import { TwoHosts } from '../support/hosts/two-hosts.ts';

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
  // Its test goes on only once it has been asked.
  two.relay('hostb').rule = async ({ isSaid, topic, text }) => {
    if (isSaid && text.includes('"probe"')) await asked;
    if (!isSaid && topic.endsWith('/in/hosta/ask')) isAsked();
    return true;
  };
  await two.startHub(two.b);
  await two.sees(two.a);
  const given = await two.delegate(server, peer);
  expect(given['delivery_stage']).not.toBe('unconfirmed');
  const asks = two
    .relay('hosta')
    .on(/\/in\/hosta\/ask$/)
    .filter(({ text }) => text.includes('"delegate"'));
  expect(asks).toHaveLength(1);
}, 60_000);
