import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { HostLab } from '../support/hosts/host-lab.ts';
import { type Hosts, hosts } from '../support/hosts/hosts.ts';
import { NO_SSHD, Sshd } from '../support/hosts/sshd.ts';
import type { LabServer } from '../support/lab-server.ts';
import type { Peer } from '../support/peer.ts';
import { until } from '../support/until.ts';

let world: Hosts;
afterEach(({ task }) => world?.end(task.result?.state === 'fail'));

/** `hosta` reaches `hostb` over a real ssh. */
async function two() {
  world = await hosts(['hosta', 'hostb'], { env: { MAM_HOST_GRACE_SECONDS: '120' } });
  const sshd = await Sshd.start(world, 'hostb');
  const [a, b] = [world.lab('hosta'), world.lab('hostb')];
  a.configure({ hosts: { hostb: { ssh: await sshd.letIn('hosta') } } });
  return { sshd, a, b, server: await a.startServer() };
}

/** A job's journal on a host, without the proofs that each host makes by itself. */
function lines(lab: HostLab, jobId: string): string[] {
  return readFileSync(lab.paths(jobId).journal, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/,"mac":"[\w-]{22}"\}$/, '}'));
}

/** Waits until both hosts have the same journal, each event once, up to its end. */
async function same(a: HostLab, b: HostLab, jobId: string): Promise<void> {
  await until('the copy is whole', () => a.snapshot(jobId).home?.state === 'ended', 60_000);
  const there = lines(b, jobId);
  expect(lines(a, jobId)).toEqual(there);
  expect(there.map((line) => JSON.parse(line).seq)).toEqual(there.map((_, index) => index + 1));
}

function delegate(server: LabServer, peer: Peer, { project }: HostLab) {
  return server.delegate(peer, { agent_session: `${peer.address}@hostb`, workdir: project });
}

describe.skipIf(NO_SSHD !== undefined)('a job over ssh', () => {
  test.each(['killed', 'frozen'])(
    'goes on while the connection is %s, and nothing is lost or doubled',
    async (how) => {
      const { sshd, a, b, server } = await two();
      const peer = await b.startPeer('mute');
      const id = String((await delegate(server, peer, b)).job_id);
      const reporter = await b.reporter;
      await b.begin(reporter, id);
      await until('the copy follows', () => lines(a, id).length === lines(b, id).length);
      const before = lines(b, id).length;
      if (how === 'killed') await sshd.cut();
      else await world.cut('hostb');
      for (let row = 1; row <= 10; row++) await reporter.report(id, 'progress', { detail: `Row ${row}.` });
      if (how === 'frozen') {
        await until('it is noticed', async () => (await a.json('hosts')).rows[0].state !== 'online');
        expect(lines(a, id)).toHaveLength(before);
        await world.mend('hostb');
      }
      await until('the copy is complete', () => lines(a, id).length === lines(b, id).length, 60_000);
      await reporter.report(id, 'completed', { result: 'All tiles are on. '.repeat(300) });
      const { jobs } = await server.ask('wait_job', { job_id: id, timeout_seconds: 60 });
      expect(jobs).toMatchObject([{ job_id: id, status: 'completed' }]);
      await same(a, b, id);
      expect(peer.pastes).toHaveLength(1);
    },
    120_000,
  );

  const STEPS: [string, (parts: { a: HostLab; b: HostLab; peer: Peer }) => unknown][] = [
    ['once it is asked for', ({ a }) => a.jobIds().length > 0],
    ['once hostb has it', ({ b }) => b.jobIds().length > 0],
    ['once it is pasted', ({ peer }) => peer.pastes.length > 0],
    ['once the peer has begun', ({ b }) => b.jobIds().some((id) => b.snapshot(id).status === 'working')],
    ['once it has ended', ({ b }) => b.jobIds().some((id) => b.snapshot(id).status === 'completed')],
  ];

  test.each(STEPS)(
    'whose connection is killed %s is there once, pasted once, and the same on both hosts',
    async (_, isThere) => {
      const { sshd, a, b, server } = await two();
      const peer = await b.startPeer('good');
      const answer = delegate(server, peer, b).catch((error) => error);
      await until('it is so far', () => isThere({ a, b, peer }));
      await sshd.cut();
      await answer;
      const [id = '', ...more] = a.jobIds();
      expect(more).toEqual([]);
      const { jobs } = await server.ask('wait_job', { job_id: id, timeout_seconds: 100 });
      expect(jobs).toMatchObject([{ job_id: id, status: 'completed' }]);
      await same(a, b, id);
      expect(b.jobIds()).toEqual([id]);
      expect(peer.pastes).toHaveLength(1);
    },
    120_000,
  );
});
