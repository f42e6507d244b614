import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing } from '../support/lab-test.ts';
import { ownRegistry } from '../support/own-registry.ts';
import { PATIENCE, pause, until } from '../support/until.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Answer = any;

/** What a resource shows. @throws if the server answers with an error */
async function read(server: LabServer, uri: string): Promise<string> {
  const { result, error } = await server.request('resources/read', { uri });
  if (error !== undefined) throw new Error(`${error.code} ${error.message}`);
  expect(result.contents).toHaveLength(1);
  expect(result.contents[0].uri).toBe(uri);
  return result.contents[0].text;
}

async function subscribe(server: LabServer, ...uris: string[]): Promise<void> {
  for (const uri of uris)
    expect(await server.request('resources/subscribe', { uri })).toMatchObject({ result: {} });
}

/** How often the client was notified that a resource has changed. */
const updates = (server: LabServer, uri: string): number =>
  server.messages.filter(
    ({ method, params }) => method === 'notifications/resources/updated' && params?.['uri'] === uri,
  ).length;

const listChanges = (server: LabServer): number =>
  server.messages.filter(({ method }) => method === 'notifications/resources/list_changed').length;

/** Waits until the client has been notified more often than `before`. */
const told = (server: LabServer, uri: string, before: number, ms?: number) =>
  until(`updated ${uri}`, () => updates(server, uri) > before, ms);

async function complete(server: LabServer, ref: object, name: string, value = ''): Promise<Answer> {
  const answer = await server.request('completion/complete', { ref, argument: { name, value } });
  return answer.result.completion;
}

const template = (part = '') => ({ type: 'ref/resource', uri: `mam://jobs/{id}${part}` });

/** A job of this server with a peer that never reports, and a server that reports. */
async function jobOf(lab: Lab, server: LabServer) {
  const [peer, reporter] = [await lab.startPeer('mute'), await lab.reporter];
  const { job_id: id } = await server.delegate(peer);
  return { peer, reporter, id: id as string, uri: `mam://jobs/${id}` };
}

/** The same with its own server. */
async function withJob(lab: Lab, env: Record<string, string> = {}) {
  const server = await lab.startServer(env);
  return { server, ...(await jobOf(lab, server)) };
}

describe.concurrent('resources', () => {
  sharing('show what the tools show, with the same fields', async ({ lab }) => {
    const { registry, env } = ownRegistry(lab);
    const { server, reporter, id, uri, peer } = await withJob(lab, env);
    await reporter.report(id, 'question', { detail: 'Slate\u001b[31m or tin?' });
    expect(JSON.parse(await read(server, 'mam://jobs'))).toEqual(
      await server.ask('list_jobs', { limit: 40 }),
    );
    expect(JSON.parse(await read(server, uri))).toEqual(await server.ask('job_status', { job_id: id }));
    const log = await read(server, `${uri}/log`);
    expect(log.split('\n')[0]).toContain(`Job ${id} is input_required (question)`);
    for (const [at, type] of lab.types(id, registry).entries())
      expect(log).toMatch(new RegExp(`^\\S+  #${at + 1}  .*  ${type}\\b`, 'm'));
    expect(log).toContain('    Slate or tin?');
    expect(await read(server, `${uri}/screen`)).toContain(id);
    await lab.tmux('send-keys', '-t', peer.pane, 'typed by hand');
    await until('the screen shows it', async () =>
      (await read(server, `${uri}/screen`)).includes('typed by hand'),
    );
    await reporter.report(id, 'completed', { detail: 'done', result: 'The roof is whole.' });
    expect(await read(server, `${uri}/log`)).toContain('    result: The roof is whole.');
    await until('the last picture', async () =>
      (await read(server, `${uri}/screen`)).startsWith('[As it was when the job ended.]\n'),
    );
    // Reading shows a request as job_status does.
    const types = await server.request('resources/list');
    expect(types.result.resources.map((one: Answer) => [one.uri, one.mimeType])).toEqual([
      ['mam://jobs', 'application/json'],
      [uri, 'application/json'],
    ]);
  });

  sharing('stay below 20,000 characters, and say where the rest is', async ({ lab, server }) => {
    const { reporter, id, uri } = await jobOf(lab, server);
    for (let round = 0; round < 130; round++)
      await reporter.report(id, 'progress', { detail: `${round} ${'"tin" '.repeat(200)}` });
    const log = await read(server, `${uri}/log`);
    expect(log.length).toBeLessThanOrEqual(20_000);
    expect(log.length).toBeGreaterThan(15_000);
    expect(log).toContain('    129 "tin"');
    const first = Number(/^\S+ {2}#(\d+)/m.exec(log)?.[1]);
    expect(log.split('\n')[1]).toBe(
      `[${first - 1} earlier events are left out. Call job_logs with {"job_id":"${id}","after":0}.]`,
    );
    expect((await read(server, uri)).length).toBeLessThanOrEqual(20_000);
  });

  sharing('of an unknown job: an error that says what to do, and nothing is subscribed', async ({ lab }) => {
    const server = await lab.startServer(ownRegistry(lab).env);
    for (const [method, part] of [
      ['read', ''],
      ['read', '/log'],
      ['read', '/screen'],
      ['subscribe', ''],
      ['subscribe', '/screen'],
    ] as const) {
      const uri = `mam://jobs/roof-aaaaaaaa${part}`;
      const { error } = await server.request(`resources/${method}`, { uri });
      expect(error).toMatchObject({ code: -32002, message: expect.stringContaining('list_jobs') });
    }
    const twice = [0, 1].map(() =>
      server.request('resources/subscribe', { uri: 'mam://jobs/roof-aaaaaaaa' }),
    );
    for (const { error } of await Promise.all(twice)) expect(error?.code).toBe(-32002);
    expect(JSON.parse(await read(server, 'mam://jobs'))).toMatchObject({ jobs: [], total: 0 });
  });

  sharing('completion: the newest jobs, open ones first, by what was typed', async ({ lab }) => {
    const [a, b] = [
      await lab.startPeer('mute', { session: 'left' }),
      await lab.startPeer('mute', { session: 'right' }),
    ];
    const { env } = ownRegistry(lab);
    const reporter = await lab.startServer({ ...env, MAM_ROLE: 'peer' }, { clientName: 'peer' });
    const server = await lab.startServer(env);
    const first = (await server.delegate(a)).job_id;
    const second = (await server.delegate(b, { prompt: 'Paint the fence' })).job_id;
    const third = (await server.delegate(b, { prompt: 'Paint the gate' })).job_id;
    await reporter.report(second, 'completed');
    const values = async (part: string, typed: string) =>
      (await complete(server, template(part), 'id', typed)).values;
    expect(await values('', '')).toEqual([third, first, second]);
    expect(await values('/log', 'paint-')).toEqual([third, second]);
    expect(await values('/screen', 'fence')).toEqual([second]);
    expect(await complete(server, template(), 'id', 'zzz')).toEqual({ values: [], total: 0, hasMore: false });
    const supervise = { type: 'ref/prompt', name: 'supervise' };
    expect((await complete(server, supervise, 'job')).values).toEqual([third, first]);
    expect((await complete(server, { type: 'ref/prompt', name: 'delegate' }, 'task')).values).toEqual([]);
    // A caller in a pane most likely means the job of that pane; a peer sees no other.
    const report = { type: 'ref/prompt', name: 'report' };
    const inA = await lab.startServer({ ...env, ...lab.envOf(a) });
    expect((await complete(inA, report, 'job_id')).values).toEqual([first, third]);
    const peerInB = await lab.startServer({ ...env, ...lab.envOf(b), MAM_ROLE: 'peer' });
    expect((await complete(peerInB, report, 'job_id')).values).toEqual([third]);
    expect((await complete(reporter, report, 'job_id')).values).toEqual([]);
  });
});

describe.concurrent('subscriptions', () => {
  sharing('get their own events soon, no others, and nothing once unsubscribed', async ({ lab, server }) => {
    const { reporter, id, uri } = await jobOf(lab, server);
    const other = (await server.delegate(await lab.startPeer('mute'))).job_id;
    await pause(500);
    await subscribe(server, uri, `${uri}/log`, uri);
    await reporter.report(id, 'question', { detail: 'Slate or tin?' });
    await told(server, uri, 0);
    await told(server, `${uri}/log`, 0);
    expect(JSON.parse(await read(server, uri)).reason).toBe('question');
    // Changes elsewhere are not reported, and nothing is reported twice.
    await reporter.report(other, 'progress', { detail: 'at it' });
    await pause(600);
    expect(updates(server, uri)).toBe(1);
    const before = updates(server, `${uri}/log`);
    await server.request('resources/unsubscribe', { uri });
    await reporter.report(id, 'progress', { detail: 'tin then' });
    await told(server, `${uri}/log`, before);
    await pause(400);
    expect(updates(server, uri)).toBe(1);
    // Subscribed again, it is notified again.
    await subscribe(server, uri);
    await reporter.report(id, 'completed');
    await told(server, uri, 1);
  });

  sharing('of mam://jobs: every change, and new jobs of others, which change it as well', async ({ lab }) => {
    const { env } = ownRegistry(lab);
    const { server, reporter, id } = await withJob(lab, env);
    const watching = await lab.startServer(env);
    expect((await watching.request('resources/list')).result.resources).toHaveLength(1);
    await subscribe(watching, 'mam://jobs');
    await reporter.report(id, 'progress', { detail: 'half' });
    await told(watching, 'mam://jobs', 0);
    expect(JSON.parse(await read(watching, 'mam://jobs')).jobs[0].detail).toBe('half');
    expect(listChanges(watching)).toBe(0);
    const { job_id } = await server.delegate(await lab.startPeer('mute'));
    await until('list_changed', () => listChanges(watching) === 1);
    const { resources } = (await watching.request('resources/list')).result;
    expect(resources.map(({ uri }: { uri: string }) => uri)).toEqual([
      'mam://jobs',
      `mam://jobs/${job_id}`,
      `mam://jobs/${id}`,
    ]);
    for (const resource of resources.slice(1)) {
      expect(resource).toMatchObject({
        title: 'Mend the roof',
        description: 'Job of command: Mend the roof',
        annotations: { audience: ['user', 'assistant'], priority: 0.6 },
      });
    }
    // A client that never requested the list is not notified of it.
    expect(listChanges(server)).toBe(0);
    // Jobs of another registry change nothing here.
    await pause(700);
    const before = updates(watching, 'mam://jobs');
    const elsewhere = await lab.startServer(ownRegistry(lab).env);
    const foreign = await elsewhere.delegate(await lab.startPeer('mute'));
    await elsewhere.ask('cancel_job', { job_id: foreign.job_id });
    await pause(500);
    expect(updates(watching, 'mam://jobs')).toBe(before);
    expect(listChanges(watching)).toBe(1);
  });

  sharing('a client that has listed is notified of the jobs that it delegates itself', async ({ lab }) => {
    const server = await lab.startServer(ownRegistry(lab).env);
    await server.request('resources/list');
    const { job_id } = await server.delegate(await lab.startPeer('mute'));
    await until('list_changed', () => listChanges(server) === 1);
    const { resources } = (await server.request('resources/list')).result;
    expect(resources.map(({ name }: { name: string }) => name)).toEqual(['jobs', job_id]);
  });

  sharing('of a screen: output is reported within two seconds, silence is not', async ({ lab, server }) => {
    const { reporter, id, uri, peer } = await jobOf(lab, server);
    await pause(500);
    await subscribe(server, `${uri}/screen`);
    await pause(1_500);
    expect(updates(server, `${uri}/screen`)).toBe(0);
    await lab.tmux('send-keys', '-t', peer.pane, 'typed by hand');
    await told(server, `${uri}/screen`, 0, 2_000 * PATIENCE);
    expect(await read(server, `${uri}/screen`)).toContain('typed by hand');
    const before = updates(server, `${uri}/screen`);
    await reporter.report(id, 'completed');
    // Now it is the final screen.
    await told(server, `${uri}/screen`, before);
    await until('the last picture', async () =>
      (await read(server, `${uri}/screen`)).startsWith('[As it was when the job ended.]'),
    );
  });

  sharing('a burst of events is a few notifications', async ({ lab }) => {
    const { server, reporter, id, uri } = await withJob(lab);
    await subscribe(server, uri, 'mam://jobs');
    const since = Date.now();
    for (let round = 0; round < 8; round++) {
      await Promise.all(
        Array.from({ length: 25 }, (_, i) => reporter.report(id, 'progress', { detail: `${round}.${i}` })),
      );
    }
    const most = Math.ceil((Date.now() - since) / 250) + 2;
    await pause(600);
    for (const one of [uri, 'mam://jobs']) {
      expect(updates(server, one)).toBeGreaterThan(0);
      expect(updates(server, one)).toBeLessThanOrEqual(most);
    }
    // The last event is not lost.
    const last = lab.events(id).at(-1);
    expect(JSON.parse(await read(server, uri)).seq).toBe(last?.seq);
    const told = updates(server, uri);
    await pause(500);
    expect(updates(server, uri)).toBe(told);
  });

  sharing('end with the client, without delaying its end', async ({ lab }) => {
    const { server, uri } = await withJob(lab);
    await subscribe(server, uri, `${uri}/screen`, `${uri}/log`, 'mam://jobs');
    server.child.stdin.end();
    const since = Date.now();
    const { code, at } = await server.exited;
    expect(code).toBe(0);
    expect(at - since).toBeLessThan(2_000 * PATIENCE);
  });
});

// After all others: it ends the shared hub.
describe('subscriptions', () => {
  sharing('outlive a hub that was killed', async ({ lab, server }) => {
    const { reporter, id, uri } = await jobOf(lab, server);
    await subscribe(server, uri, `${uri}/screen`, 'mam://jobs');
    const before = updates(server, uri);
    await lab.killHub();
    // The subscriber starts the next one by itself.
    await lab.hubPid();
    await reporter.report(id, 'question', { detail: 'Slate or tin?' });
    await told(server, uri, before);
    expect(JSON.parse(await read(server, uri)).reason).toBe('question');
    const jobs = updates(server, 'mam://jobs');
    const again = updates(server, uri);
    await pause(300);
    await reporter.report(id, 'completed');
    await told(server, uri, again);
    await told(server, 'mam://jobs', jobs);
  });
});
