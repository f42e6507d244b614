import { expect, test } from 'vitest';
import { MamError } from '../../src/base/errors.ts';
import { Claims } from '../../src/hub/reports/claims.ts';
import type { ClaimReply } from '../../src/job/event.ts';

test('a report on an unknown job that arrives while jobs are loaded is answered once all are known', async () => {
  const open: { id: string }[] = [];
  const find = async () => {
    throw new MamError('not_found', 'There is no such job.');
  };
  let answer: ClaimReply | undefined;
  const parts = {
    registrar: { find, open },
    owners: { openJobOf: () => undefined },
    earlier: () => undefined,
    ready: async () => {
      open.push({ id: 'roof' });
      return undefined;
    },
    reply: (_: string, reply: ClaimReply) => {
      answer = reply;
    },
  };
  const claims = new Claims(parts as unknown as ConstructorParameters<typeof Claims>[0]);
  await claims.takeClaim(
    'wall',
    JSON.stringify({ type: 'progress', detail: 'x', event_id: 'e', reply_to: 'me' }),
  );
  expect(answer?.refusal).toContain('There is no job with this id. Open jobs: roof.');
});
