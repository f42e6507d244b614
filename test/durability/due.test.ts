import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { outboxFile } from '../../src/bus/spool/outbox.ts';
import { publishOnce } from '../../src/link/one-shot.ts';
import { jobPaths } from '../../src/registry/paths.ts';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import type { Peer } from '../support/peer.ts';
import { plant, signed } from '../support/plant.ts';
import { pause, until } from '../support/until.ts';

/** Keeps the hub from writing more than a byte, as a full disk would. @returns a function that lets it write again */
async function fillDisk(lab: Lab): Promise<() => Promise<unknown>> {
  const limit = async (soft: string) => {
    const pid = await lab.hubPid();
    const done = await lab.run('prlimit', ['--pid', String(pid), `--fsize=${soft}:unlimited`]);
    expect(done.stderr).toBe('');
  };
  await limit('1');
  return () => limit('unlimited');
}

describe('what falls due while the registry cannot be written', () => {
  test('is recorded when it can be: limits, silence, verdicts, and what was typed', async ({ lab }) => {
    const server = await lab.startServer();
    const reporter = await lab.reporter;
    const names = ['limited', 'silent', 'checked'] as const;
    const peers = await Promise.all(names.map((session) => lab.startPeer('mute', { session })));
    const [limited, silent, checked] = peers as [Peer, Peer, Peer];
    const slow = await lab.startPeer('mute', { session: 'slow', args: ['--withhold'] });
    const script = 'echo x >> ran\nuntil [ -e go ]; do sleep 0.02; done\n';
    const validate = lab.write('check.sh', script);
    const a = await server.delegate(limited, { timeout_seconds: 4 });
    const b = await server.delegate(silent, { idle_timeout_seconds: 4 });
    const c = await server.delegate(checked, { validate });
    await reporter.report(c.job_id, 'completed', { detail: 'done' });
    await until('the check runs', () => readdirSync(lab.project).includes('ran'));
    const delegated = server.delegate(slow);
    await until('the paste has arrived', () => slow.pastes.length === 1);
    const makeRoom = await fillDisk(lab);
    slow.show();
    lab.write('go', '');
    await until('Enter is pressed', () => slow.keys === '\r');
    const { job_id: d } = await delegated;
    await pause(5_000);
    const last = (id: string) => lab.types(id).at(-1);
    expect([a, b, c].map(({ job_id }) => last(job_id))).toEqual(['submitted', 'submitted', 'validating']);
    expect(last(d)).toBe('pasting');
    await makeRoom();
    await lab.event(a.job_id, 'timeout');
    await lab.event(b.job_id, 'stalled');
    await lab.event(c.job_id, 'validated');
    await lab.event(d, 'submitted');
    expect(lab.record(a.job_id)).toMatchObject({ status: 'failed', reason: 'timeout' });
    expect(lab.record(c.job_id)).toMatchObject({ status: 'completed', validation: { rounds: 1 } });
    expect(lab.types(d)).toEqual(['queued', 'pasting', 'visible', 'submitted']);
    // Its pane is free for the next one.
    await reporter.report(d, 'completed');
    const delegatedNext = server.delegate(slow);
    await until('it is pasted', () => slow.pastes.length === 2);
    slow.show();
    const next = await delegatedNext;
    await lab.event(next.job_id, 'submitted');
    expect(slow.pastes).toHaveLength(2);
  });

  test('and is void by then is not recorded: a kept report comes first', async ({ lab }) => {
    const server = await lab.startServer();
    const mute = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const { job_id: id } = await server.delegate(mute, { timeout_seconds: 3 });
    const makeRoom = await fillDisk(lab);
    expect(await reporter.report(id, 'completed', { detail: 'in time' })).toMatchObject({ recorded: false });
    await pause(4_000);
    await makeRoom();
    await lab.event(id, 'completed');
    await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
    expect(lab.record(id)).toMatchObject({ status: 'completed', late: false, detail: 'in time' });
    expect(lab.types(id)).not.toContain('timeout');
  });
});

describe('a long outbox', () => {
  const COUNT = 3_000;

  test('delays nobody: the hub serves meanwhile, nothing overtakes it, limits follow it', async ({ lab }) => {
    for (const id of ['talkative', 'other']) plant(lab, id);
    plant(lab, 'in-time', { timeouts: { timeout_seconds: 60, idle_timeout_seconds: 3_600 } });
    const at = new Date(Date.now() - 3_600_000).toISOString();
    const begun = { seq: 2, recorded_at: at, event_id: 'begun', job_id: 'in-time', type: 'started', at };
    const { journal } = jobPaths(lab.registry, 'in-time');
    writeFileSync(journal, signed(lab.home, 'in-time', { ...begun, source: 'peer' }), { flag: 'a' });
    const folder = join(lab.home, 'outbox');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const keep = (order: number, jobId: string, type: string) => {
      const claim = { event_id: `kept-${order}`, job_id: jobId, type, source: 'peer', at };
      writeFileSync(outboxFile(folder, 'long', order, jobId), JSON.stringify({ ...claim, writer: 'long' }));
    };
    for (let order = 1; order <= COUNT; order++) keep(order, 'talkative', 'progress');
    keep(COUNT + 1, 'in-time', 'completed');

    const reporter = await lab.reporter;
    // It starts the hub, and waits for it longer than a report does.
    await reporter.ask('job_status', { job_id: 'other' });
    expect(await reporter.report('other', 'completed')).toMatchObject({ recorded: true });
    expect(lab.inHome('outbox').length).toBeGreaterThan(COUNT / 10);
    const address = { kind: 'socket', path: join(lab.home, 'hub.sock') } as const;
    const about = { event_id: 'newer', job_id: 'talkative', at, writer: 'long' };
    const claim = { ...about, type: 'completed', source: 'peer' } as const;
    const answer = await publishOnce({ address, realm: 'default', timeoutMs: 60_000, claim });
    expect(answer).toMatchObject({ recorded: true, seq: COUNT + 2 });
    await until('the outbox is empty', () => lab.inHome('outbox').length === 0);
    expect(lab.events('talkative').map(({ event_id }) => event_id)).toEqual([
      'talkative-1',
      ...Array.from({ length: COUNT }, (_, n) => `kept-${n + 1}`),
      'newer',
    ]);
    expect(lab.record('in-time')).toMatchObject({ status: 'completed', late: false });
  });
});

test('limits pause while everything is stopped, as when the machine sleeps', async ({ lab }) => {
  const server = await lab.startServer();
  const peer = await lab.startPeer('mute');
  // Its start takes time, and the limit is short.
  const reporter = await lab.reporter;
  const { job_id: id } = await server.delegate(peer, { timeout_seconds: 4 });
  const pid = await lab.hubPid();
  process.kill(pid, 'SIGSTOP');
  await pause(5_000);
  process.kill(pid, 'SIGCONT');
  // It uses part of the remaining time, and of the grace period.
  await pause(2_000);
  expect(await reporter.report(id, 'completed')).toMatchObject({ status: 'completed' });
  expect(lab.record(id).late).toBe(false);
});
