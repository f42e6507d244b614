import { afterEach, expect, test } from 'vitest';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import type { LabServer } from '../support/lab-server.ts';
import { pause, until } from '../support/until.ts';

let two: TwoHosts;
afterEach(({ task }) => two.world.end(task.result?.state === 'fail'));

/** How long a link is down, in ms: long enough that connections are given up. */
const DOWN_MS = 30_000;
/** In seconds: shorter than the link is down. */
const GRACE = { MAM_HOST_GRACE_SECONDS: '3' };

/** A job on `hostb` that was begun, and what reports on it. */
async function begun() {
  const peer = await two.b.startPeer('mute');
  const server = await two.a.startServer();
  const { job_id: id } = await two.delegate(server, peer);
  const reporter = await two.b.reporter;
  await two.b.begin(reporter, id);
  await peer.gets(1, 1);
  return { peer, server, reporter, id: String(id) };
}

/** Reports progress this many times. */
async function progress(reporter: LabServer, id: string, times: number): Promise<void> {
  for (let time = 1; time <= times; time++) await reporter.report(id, 'progress', { detail: `Row ${time}.` });
}

/** Ends the job, and waits until nothing of it is missing on `hosta`. */
async function completed({ reporter, server, id }: Awaited<ReturnType<typeof begun>>): Promise<void> {
  await reporter.report(id, 'completed', { result: 'All tiles are on. '.repeat(300) });
  const lines = await two.agree(id, 'completed');
  expect(lines.map((line) => JSON.parse(line).seq)).toEqual(lines.map((_, index) => index + 1));
  await until('the copy is whole', () => two.a.snapshot(id).home?.state === 'ended');
  const { jobs } = await server.ask('wait_job', { job_id: id, timeout_seconds: 10 });
  expect(jobs).toMatchObject([{ job_id: id, status: 'completed' }]);
}

test('a link of both hosts that is down for 30 s loses nothing: the peer goes on, and whoever waits is told once', async () => {
  two = await TwoHosts.make({ env: GRACE });
  await two.meet();
  const job = await begun();
  const { server, reporter, id } = job;
  await progress(reporter, id, 3);
  await two.agree(id, 'progress');
  const began = Date.now();
  await two.world.cut('hosta');
  await two.world.cut('hostb');
  const wait = server.wait({ job_id: id, timeout_seconds: 90 });
  await progress(reporter, id, 5);
  const { jobs } = await wait.answer;
  expect(jobs).toMatchObject([{ job_id: id, status: 'working', reason: 'host_offline' }]);
  const told = await server.refusal('answer_job', { job_id: id, text: 'Go on.' });
  expect(told).toContain('hostb is offline since');
  await pause(Math.max(0, DOWN_MS - (Date.now() - began)));
  expect(two.lines(two.a, id).length).toBeLessThan(two.lines(two.b, id).length);
  await two.world.mend('hosta');
  await two.world.mend('hostb');
  await two.agree(id, 'progress', 90_000);
  await completed(job);
}, 180_000);

test.each(['hosta', 'hostb'])(
  'a link of %s that is down until the connection is given up loses nothing',
  async (cut) => {
    two = await TwoHosts.make({ env: GRACE });
    await two.meet();
    const job = await begun();
    const lab = cut === 'hosta' ? two.a : two.b;
    await two.world.cut(cut);
    await progress(job.reporter, job.id, 5);
    await until('it is noticed', async () => (await lab.mesh())?.broker?.state === 'away');
    await two.world.mend(cut);
    await two.agree(job.id, 'progress', 60_000);
    await completed(job);
  },
  120_000,
);

test('a broker that is killed and comes back empty loses nothing', async () => {
  two = await TwoHosts.make();
  await two.meet();
  const job = await begun();
  const { reporter, id } = job;
  await two.broker.kill();
  await progress(reporter, id, 20);
  await two.broker.start();
  await progress(reporter, id, 20);
  await two.agree(id, 'progress', 60_000);
  await completed(job);
}, 120_000);

test('a last message that the broker drops is brought by the digest', async () => {
  two = await TwoHosts.make({ relayed: true });
  await two.meet();
  const job = await begun();
  const { server, id } = job;
  let dropped = 0;
  two.relay('hostb').rule = ({ isSaid, topic, text }) => {
    const isEnd = isSaid && topic.includes('/feed/') && text.includes('"type":"completed"');
    if (isEnd) dropped++;
    return !isEnd;
  };
  const wait = server.wait({ job_id: id, timeout_seconds: 60 });
  await completed(job);
  expect((await wait.answer).jobs).toMatchObject([{ job_id: id, status: 'completed' }]);
  expect(dropped).toBe(1);
}, 60_000);

test('a way on which every third message is lost still brings all events, each once', async () => {
  two = await TwoHosts.make({ relayed: true });
  await two.meet();
  const job = await begun();
  let count = 0;
  for (const relay of two.relays.values())
    relay.rule = ({ topic }) => !/\/(feed|answer|digest)\b/.test(topic) || ++count % 3 !== 0;
  await progress(job.reporter, job.id, 40);
  await two.agree(job.id, 'progress', 90_000);
  await completed(job);
  expect(count).toBeGreaterThan(40);
}, 180_000);
