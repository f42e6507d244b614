import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Claims } from '../../src/hub/reports/claims.ts';
import { KeptClaims } from '../../src/hub/reports/kept-claims.ts';
import { test } from '../support/lab-test.ts';
import { readOutbox } from '../support/outbox.ts';

test('claims of a job that cannot be written are kept in the order of arrival', async ({ lab }) => {
  const outbox = join(lab.home, 'outbox');
  let refuse = (): void => {};
  const late = new Promise<void>((_, reject) => {
    refuse = () => reject(new Error('the disk is full'));
  });
  late.catch(() => {});
  let tries = 0;
  const take = () => (tries++ === 0 ? Promise.reject(new Error('the disk is full')) : late);
  const kept = new KeptClaims({ claims: { takeClaim: take } as unknown as Claims, outbox });
  const claim = (detail: string) =>
    kept.takeClaim('roof', Buffer.from(JSON.stringify({ type: 'progress', detail })), 'outside');
  const [first, second] = [claim('1'), claim('2')];
  await first;
  await claim('3');
  refuse();
  await second;
  expect((await readOutbox(outbox)).map((entry) => entry.claim.detail)).toEqual(['1', '2', '3']);
  rmSync(outbox, { recursive: true });
});
