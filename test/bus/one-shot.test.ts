import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { publishOnce, requestOnce } from '../../src/link/one-shot.ts';
import type { Command } from '../../src/operations/request.ts';
import { cleanUp, HOST, makeClaim, makeHome, newFakeHub, REALM, startFakeHub } from './helpers.ts';

afterEach(cleanUp);

const at = (home: string) => ({
  address: { kind: 'socket', path: join(home, 'hub.sock') } as const,
  realm: REALM,
  timeoutMs: 2000,
});

it('gets its answer although the subscription went out in the same write', async () => {
  const home = makeHome();
  const hub = await startFakeHub(home);
  const outcomes = await Promise.all(
    Array.from({ length: 30 }, (_, i) => publishOnce({ ...at(home), claim: makeClaim('a', String(i)) })),
  );
  expect(outcomes.every((reply) => reply?.recorded)).toBe(true);
  expect(hub.journal).toHaveLength(30);
});

it('asks a question', async () => {
  const home = makeHome();
  await startFakeHub(home);
  const ask = (params: object): Promise<unknown> =>
    requestOnce({ ...at(home), host: HOST, command: 'status' as Command, params: params as never });
  expect(await ask({ a: 1 })).toEqual({ echo: { a: 1 } });
  await expect(ask({ fail: true })).rejects.toMatchObject({ code: 'not_found' });
});

it('says why there is no answer', async () => {
  const home = makeHome();
  const claim = makeClaim('a');
  await expect(publishOnce({ ...at(home), claim })).rejects.toMatchObject({ code: 'unreachable' });
  const hub = newFakeHub();
  await startFakeHub(home, { claim: () => hub.gate ?? new Promise(() => {}) });
  const quick = { ...at(home), timeoutMs: 100 };
  await expect(publishOnce({ ...quick, claim })).rejects.toMatchObject({ code: 'unavailable' });
  const long = { ...claim, result: 'x'.repeat(65_536) };
  await expect(publishOnce({ ...quick, claim: long })).rejects.toMatchObject({ code: 'bad_input' });
  const dead = join(home, 'dead.sock');
  writeFileSync(dead, '');
  await expect(
    publishOnce({ ...quick, address: { kind: 'socket', path: dead }, claim }),
  ).rejects.toMatchObject({ code: 'unreachable' });
});

it('leaves TLS and WebSockets to the Link', async () => {
  const address = { kind: 'url', url: 'mqtts://127.0.0.1:1' } as const;
  expect(await publishOnce({ address, realm: REALM, timeoutMs: 100, claim: makeClaim('a') })).toBeUndefined();
});
