import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { installed, Mosquitto, PASSWORD, USER } from '../support/mosquitto.ts';
import { claim, joinBroker } from '../support/mqtt.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

interface Seen {
  topic: string;
  text: string;
  retain: boolean;
}

/** Another program on the broker, which sees everything and may do everything. */
async function onlooker({ url }: Mosquitto) {
  const client = await joinBroker(url, { username: USER, password: PASSWORD });
  const seen: Seen[] = [];
  client.on('message', (topic, payload, { retain }) =>
    seen.push({ topic, text: payload.toString(), retain }),
  );
  await client.subscribeAsync('mam/v1/default/#', { qos: 1 });
  /** @returns once everything that was published before has arrived */
  const settled = async (mark: string): Promise<void> => {
    await client.publishAsync(`mam/v1/default/marks/${mark}`, '', { qos: 1 });
    await until('the mark is back', () => seen.some(({ topic }) => topic.endsWith(mark)));
  };
  const ofJobs = () => seen.filter(({ topic, text }) => topic.includes('/jobs/') && text !== '');
  return { client, seen, settled, ofJobs };
}

async function brokerOf(lab: Lab): Promise<Mosquitto> {
  const broker = await Mosquitto.make(lab);
  await broker.start();
  return broker;
}

describe.runIf(installed)('a broker that hubs share', () => {
  test('carries no jobs for other programs, and no reports of theirs', async ({ lab }) => {
    const broker = await brokerOf(lab);
    lab.configure({ host: 'hosta', hosts: { hostb: {} } });
    const { client, seen, settled, ofJobs } = await onlooker(broker);
    const server = await lab.startServer(broker.env);
    const peer = await lab.startPeer('mute');
    const { job_id } = await server.delegate(peer, { prompt: 'Keep it here' });
    await lab.logged('joined other hubs on the broker');
    await claim(client, job_id, { type: 'completed', detail: 'from outside' });
    await settled('claimed');
    await (await lab.reporter).report(job_id, 'completed', { detail: 'from here' });
    expect(await server.ask('wait_job', { job_id })).toMatchObject({ outcome: 'final' });
    await lab.mam('hub', 'stop');
    await settled('stopped');
    expect(ofJobs()).toEqual([]);
    expect(seen.some(({ topic }) => topic === 'mam/v1/default/hosts/hosta/status')).toBe(true);
    expect(lab.events(job_id).flatMap(({ detail }) => detail ?? [])).not.toContain('from outside');
  });

  test('carries them if the user wants both, and the hub says once that it is online', async ({ lab }) => {
    const broker = await brokerOf(lab);
    lab.configure({ host: 'hosta', hosts: { hostb: {} }, broker_public: true });
    const { client, seen, ofJobs } = await onlooker(broker);
    const server = await lab.startServer(broker.env);
    const peer = await lab.startPeer('mute');
    const { job_id } = await server.delegate(peer, { prompt: 'Show it' });
    await lab.logged('joined the broker');
    await lab.logged('joined other hubs on the broker');
    await claim(client, job_id, { type: 'completed', detail: 'from outside' });
    expect(await server.ask('wait_job', { job_id })).toMatchObject({
      outcome: 'final',
      jobs: [{ detail: 'from outside' }],
    });
    await until('it is shown', () => ofJobs().some(({ text }) => text.includes('from outside')));
    const statuses = () =>
      seen.filter(({ topic }) => topic.endsWith('/hosta/status')).map(({ text }) => JSON.parse(text));
    await until('its presence is that for other hubs', () => {
      const last = statuses().at(-1);
      return last?.online === true && last.epoch !== undefined;
    });
    const log = lab.hubLog();
    expect(log).not.toContain('Another hub is called');
  });

  test('keeps the hub up; another one ends when nobody needs it, and leaves nothing there', async ({
    lab,
  }) => {
    const broker = await brokerOf(lab);
    lab.configure({ host: 'hosta', hosts: { hostb: {} } });
    await lab.start(['list'], { env: broker.env }).ended;
    await lab.start(['hub', 'restart'], { env: broker.env }).ended;
    const staying = await lab.hubPid();
    const home = join(lab.folder, 'h2');
    lab.homes.push(home);
    lab.expected.push(/^h2\//);
    const env = { ...broker.env, MAM_HOME: home, MAM_HOST: 'hostb' };
    const server = await lab.startServer({ ...env, MAM_REGISTRY_DIR: join(home, 'jobs') });
    const peer = await lab.startPeer('mute');
    const { job_id } = await server.delegate(peer, { prompt: 'Say it' });
    const { settled, seen, ofJobs } = await onlooker(broker);
    await until('the record is there', () => ofJobs().some(({ topic }) => topic.endsWith('/record')));
    await server.ask('publish_event', { job_id, event: 'completed' });
    expect(await server.ask('wait_job', { job_id })).toMatchObject({ outcome: 'final' });
    const ending = await lab.hubPid(home);
    await server.close();
    await until('the other hub has ended', () => !isRunning(ending));
    await settled('ended');
    const later = await onlooker(broker);
    await later.settled('later');
    expect(
      seen.some(({ topic, text }) => topic.endsWith(`/hostb/jobs/${job_id}/record`) && text === ''),
    ).toBe(true);
    expect(later.ofJobs()).toEqual([]);
    expect(isRunning(staying)).toBe(true);
  });
});
