import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Access } from '../../../src/hub/mesh/access.ts';
import { Greetings } from '../../../src/hub/mesh/greetings.ts';
import type { HostState } from '../../../src/hub/mesh/host.ts';
import type { Wire } from '../../../src/hub/mesh/wire/wire.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  vi.advanceTimersByTime(1_000);
});
afterEach(() => void vi.useRealTimers());

/** A host that is not there, and a broker that is. */
function away() {
  const greetings = new Greetings({ peers: () => 1, say: () => new Date().toISOString() });
  const host = { name: 'hostb', online: false, since: '2026-11-30T12:00:00.000Z' } as HostState;
  const wire = { kind: 'broker', isUp: true } as Wire;
  const directory = { get: () => host, isKnown: () => true, named: { hostb: {} }, greetings };
  const ways = { wireTo: () => wire, open: () => wire, readHosts: () => {} };
  const access = new Access({ ...ways, directory: directory as never });
  return { access, greetings };
}

test('a host that leaves a hello unanswered is not waited for any longer', async () => {
  const { access, greetings } = away();
  greetings.plan('hostb');
  let said: unknown;
  const asked = access.reach('hostb').catch((error: unknown) => (said = error));
  await vi.advanceTimersByTimeAsync(2_900);
  expect(said).toBeUndefined();
  await vi.advanceTimersByTimeAsync(200);
  expect(said).toMatchObject({ code: 'unavailable' });
  await asked;
});

test('one that is believed to be there is waited for while hello is said again', async () => {
  const { access, greetings } = away();
  greetings.expect('hostb');
  let said: unknown;
  const asked = access.reach('hostb').catch((error: unknown) => (said = error));
  await vi.advanceTimersByTimeAsync(19_000);
  expect(said).toBeUndefined();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(said).toMatchObject({ code: 'unavailable' });
  await asked;
});
