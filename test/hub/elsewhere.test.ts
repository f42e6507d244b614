import { expect, test } from 'vitest';
import { Elsewhere } from '../../src/hub/reports/elsewhere.ts';

/** A pending report on a job of another hub, and how a hub on the broker answers it. */
function passing() {
  const bus = { clients: 1, publish: () => {} };
  const elsewhere = new Elsewhere({ bus: () => bus as never, realm: 'default', host: 'here' });
  const claim = { event_id: 'e', job_id: 'mine', type: 'progress', source: 'peer', at: '' };
  return {
    reply: elsewhere.pass(claim as never, false),
    say: (answer: object) => elsewhere.takeReply(Buffer.from(JSON.stringify({ event_id: 'e', ...answer }))),
  };
}

test('a hub without the job is not believed while the one that has it may still answer', async () => {
  const { reply, say } = passing();
  say({ accepted: false, recorded: false, unknown: true });
  say({ accepted: true, recorded: true, seq: 2, status: 'working' });
  expect(await reply).toMatchObject({ accepted: true, recorded: true, seq: 2 });
});

test('when only hubs without the job have answered, no hub has it', async () => {
  const { reply, say } = passing();
  say({ accepted: false, recorded: false, unknown: true });
  expect(await reply).toBeUndefined();
});
