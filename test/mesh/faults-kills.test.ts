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
