import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../../src/boards/page/host.ts';
import { Log } from '../../src/boards/page/log.ts';
import { Lab } from '../support/lab.ts';
import { plant, signed } from '../support/plant.ts';

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

/** A job with a journal of the given number of events, some of which are given. */
function plantLong(id: string, length: number, given: Record<number, object>): void {
  plant(lab, id);
  const lines = Array.from({ length: length - 1 }, (_, n) => {
    const seq = n + 2;
    const at = new Date().toISOString();
    const own = { seq, event_id: `e${seq}`, job_id: id, source: 'hook', at, recorded_at: at };
    return signed(lab.home, id, { ...own, type: 'progress', detail: `step ${seq}`, ...given[seq] });
  });
  writeFileSync(lab.paths(id).journal, lines.join(''), { flag: 'a' });
}

/** The calls of a page, passed on to a real server. */
async function hostOf(): Promise<{ host: Host; calls: Record<string, unknown>[] }> {
  const server = await lab.startServer();
  const calls: Record<string, unknown>[] = [];
  const call = (name: string, args: Record<string, unknown>) => {
    calls.push(args);
    return server.ask(name, args);
  };
  return { host: { call } as unknown as Host, calls };
}

test('only the end of a long log is read, and then only what is new', async () => {
  plantLong('long', 1_000, {});
  const { host, calls } = await hostOf();
  const log = new Log(host, 'long');
  await log.read();
  expect(log.entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 901));
  expect(calls.map(({ after }) => after)).toEqual([Number.MAX_SAFE_INTEGER, 900]);
  await log.read();
  expect(calls.at(-1)).toMatchObject({ after: 1_000 });
  expect(log.entries).toHaveLength(100);
});

test('older entries are read page by page on request, and all are kept then', async () => {
  plantLong('old', 250, {});
  const { host } = await hostOf();
  const log = new Log(host, 'old');
  await log.read();
  expect(log.hasOlder).toBe(true);
  await log.readOlder();
  await log.readOlder();
  expect(log.hasOlder).toBe(false);
  expect(log.entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 250 }, (_, n) => n + 1));
  await log.read();
  expect(log.entries).toHaveLength(250);
});

test('a request far back in a long log is found', async () => {
  plantLong('asks', 600, {
    2: { type: 'submitted', source: 'hub' },
    5: { type: 'permission_required', detail: 'rm the old roof', data: { tool: 'Bash', input: 'rm roof' } },
  });
  const { host } = await hostOf();
  const log = new Log(host, 'asks');
  await log.read();
  expect(log.head).toMatchObject({ status: 'input_required', reason: 'permission' });
  expect(log.head?.open_request).toMatchObject({ request_id: 'e5', kind: 'permission', tool: 'Bash' });
  expect(log.entries.at(-1)?.seq).toBe(600);
});
