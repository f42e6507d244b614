import { existsSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Passing } from '../support/hosts/mqtt-relay.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import { until } from '../support/until.ts';

let two: TwoHosts;
afterEach(({ task }) => two.world.end(task.result?.state === 'fail'));

interface Step {
  when: string;
  /** Whose hub is killed, right when this message passes its relay; the message is lost. */
  host: 'hosta' | 'hostb';
  is(message: Passing): boolean;
  /** The client asks again only if a hub is there soon: otherwise the job is never taken, and whoever waits learns it. */
  mayBeNever?: boolean;
}

const isAsk = ({ topic, text }: Passing, command: string) =>
  topic.endsWith('/ask') && text.includes(`"command":"${command}"`);
const isFeed = ({ topic, text }: Passing, type: string) =>
  topic.includes('/feed/') && text.includes(`"type":"${type}"`);
const isTaken = ({ topic, text }: Passing) => topic.endsWith('/answer') && text.includes('"delivery"');

const STEPS: Step[] = [
  {
    when: 'before its ask leaves',
    host: 'hosta',
    is: (message) => isAsk(message, 'delegate'),
    mayBeNever: true,
  },
  { when: 'before it hears the ask', host: 'hostb', is: (message) => isAsk(message, 'delegate') },
  { when: 'when it has the job and tells it', host: 'hostb', is: (message) => isFeed(message, 'queued') },
  { when: 'when it has the job and has not answered', host: 'hostb', is: isTaken },
  { when: 'before it hears the answer', host: 'hosta', is: isTaken },
  { when: 'before it hears of the start', host: 'hosta', is: (message) => isFeed(message, 'started') },
  { when: 'when the peer has begun', host: 'hostb', is: (message) => isFeed(message, 'started') },
  { when: 'when the peer is done', host: 'hostb', is: (message) => isFeed(message, 'completed') },
  { when: 'before it hears of the end', host: 'hosta', is: (message) => isFeed(message, 'completed') },
  { when: 'while it fetches the screen', host: 'hosta', is: (message) => isAsk(message, 'text') },
];

test.each(STEPS)(
  'the hub of $host, killed $when: one job at most, pasted once, the same on both hosts',
  async ({ host, is, mayBeNever }) => {
    two = await TwoHosts.make({ relayed: true });
    await two.meet();
    const peer = await two.b.startPeer('good');
    const lab = host === 'hosta' ? two.a : two.b;
    const pid = await lab.hubPid();
    let killed = 0;
    two.relay(host).rule = async (message) => {
      if (killed > 0 || !is(message)) return true;
      killed++;
      await lab.killHub();
      return false;
    };
    const server = await two.a.startServer();
    const answer = server.delegate(peer, { agent_session: `${peer.address}@hostb` }).catch((error) => error);
    await until('the hub is killed', () => killed > 0);
    await two.startHub(lab);
    expect(await lab.hubPid()).not.toBe(pid);
    await answer;
    const [id = '', ...more] = two.a.jobIds();
    expect(more).toEqual([]);
    const { jobs } = await server.ask('wait_job', { job_id: id, timeout_seconds: 100 });
    if (mayBeNever === true && jobs[0].status === 'failed') {
      expect(jobs).toMatchObject([{ reason: 'delivery_failed', detail: 'hostb never took it' }]);
      expect(peer.pastes).toEqual([]);
      expect(two.b.jobIds()).toEqual([]);
      return;
    }
    expect(jobs).toMatchObject([{ job_id: id, status: 'completed' }]);
    await two.agree(id, 'completed');
    await until('the copy is whole', () => two.a.snapshot(id).home?.state === 'ended');
    expect(peer.pastes).toHaveLength(1);
  },
  180_000,
);

const CUTS: { what: string; isOver: boolean; left(size: number): number }[] = [
  { what: 'a piece of the last line', isOver: false, left: (size) => size - 50 },
  { what: 'everything', isOver: false, left: () => 0 },
  { what: 'half of it', isOver: true, left: (size) => Math.floor(size / 2) },
];

// Nothing of a copy is flushed while its job goes on, and its `job.json` may be on the disk before its journal.
test.each(CUTS)(
  'a power cut that takes $what from a copy (ended: $isOver): it comes again from its home, once, and tells nobody twice',
  async ({ isOver, left }) => {
    two = await TwoHosts.make();
    const told = join(two.a.folder, 'told');
    two.a.expected.push(/^told/);
    const { hosts } = JSON.parse(readFileSync(join(two.a.home, 'config.json'), 'utf8'));
    two.a.configure({ hosts, on_event: `cat >> '${told}'; echo >> '${told}'` });
    const types = () =>
      Array.from(readFileSync(told, 'utf8').matchAll(/"type":"(\w+)"/g), ([, type]) => type);
    await two.meet();
    const peer = await two.b.startPeer('mute');
    const server = await two.a.startServer();
    const { job_id: id } = await two.delegate(server, peer);
    const reporter = await two.b.reporter;
    for (const detail of ['one', 'two', 'three']) await reporter.report(id, 'progress', { detail });
    await reporter.report(id, 'question', { detail: 'Which roof?' });
    if (isOver) await reporter.report(id, 'completed', { detail: 'done' });
    const last = isOver ? 'completed' : 'question';
    const lines = await two.agree(id, last);
    const record = join(dirname(two.journal(two.a, id)), 'job.json');
    await until('its record is written', () => JSON.parse(readFileSync(record, 'utf8')).seq === lines.length);
    if (isOver) await until('the copy is whole', () => two.a.snapshot(id).home?.state === 'ended');
    await until('it is told', () => existsSync(told) && types().includes(last));
    await two.a.killHub();
    const journal = two.journal(two.a, id);
    truncateSync(journal, left(statSync(journal).size));
    await two.startHub(two.a);
    await until('it has all again', () => two.a.types(id).length === lines.length);
    expect(await two.a.mam('status', id)).toMatchObject({ code: 0, stderr: '' });
    if (!isOver) await reporter.report(id, 'completed', { detail: 'done' });
    const { jobs } = await server.ask('wait_job', { job_id: id, timeout_seconds: 100 });
    expect(jobs).toMatchObject([{ job_id: id, status: 'completed' }]);
    await until('the copy is whole', () => two.a.snapshot(id).home?.state === 'ended');
    expect(two.a.events(id)).toEqual(two.b.events(id));
    await until('the end is told', () => types().includes('completed'));
    expect(types()).toEqual(['question', 'completed']);
  },
  180_000,
);
