import { expect, test } from 'vitest';
import { takeClaims } from '../../../src/hub/mesh/home/take-claims.ts';
import { Uploads } from '../../../src/hub/mesh/home/uploads.ts';
import type { Wire } from '../../../src/hub/mesh/wire/wire.ts';

test('a report whose result is not here is settled: the broker must not keep it before all others', async () => {
  const taken: unknown[] = [];
  const warned: string[] = [];
  const uploads = new Uploads();
  const take = takeClaims({
    claims: {
      has: async () => false,
      takeFrom: async (_, claim) => {
        taken.push(claim);
        return undefined;
      },
    },
    policy: { mayReport: () => true },
    uploads,
    areSendersProven: () => true,
    log: { info: () => {}, warn: (text) => warned.push(text), error: () => {} },
  });
  const wire = { kind: 'broker' } as Wire;
  const payload = Buffer.from(JSON.stringify({ event_id: 'e', type: 'completed', result_upload: 'u' }));
  const message = { wire, from: 'hostb', to: 'hosta', kind: 'claim' as const, jobId: 'roof', payload };
  await take(message);
  expect(taken).toEqual([]);
  expect(warned).toEqual([expect.stringContaining('its result is not here')]);
  uploads.put('hostb', { upload: 'u', offset: 0, text: 'done', last: true });
  await take(message);
  expect(taken).toEqual([{ event_id: 'e', type: 'completed', result: 'done' }]);
  uploads.stop();
});
