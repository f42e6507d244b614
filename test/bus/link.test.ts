import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { outboxFolder, removeOutboxEntry } from '../../src/bus/spool/outbox.ts';
import type { Claim } from '../../src/job/claim.ts';
import type { Link } from '../../src/link/link.ts';
import { Publisher } from '../../src/link/publisher.ts';
import type { Command, LogMessage } from '../../src/operations/request.ts';
import { readOutbox } from '../support/outbox.ts';
import { freePort } from '../support/ports.ts';
import { PATIENCE, pause, until } from '../support/until.ts';
import {
  accept,
  cleanUp,
  type FakeHub,
  HOST,
  makeClaim,
  makeHome,
  makeLink,
  REALM,
  startFakeHub,
} from './helpers.ts';

afterEach(cleanUp);

/** The fake hub answers any command with its parameters. */
function ask(link: Link, params: object, timeoutMs?: number): Promise<unknown> {
  return link.request('status' as Command, params as never, timeoutMs);
}

async function drain(home: string, hub: FakeHub): Promise<void> {
  for (const entry of await readOutbox(outboxFolder(home))) {
    accept(hub, entry.claim.job_id, entry.claim);
    await removeOutboxEntry(entry);
  }
}

/** Resolves when the link is connected and receives answers: earlier ones are lost. */
const subscribed = (link: Link): Promise<void> => new Promise((resolve) => link.onConnect(resolve));

/** The complete files in it: a file is written under a temporary name first. */
const outboxNames = (home: string): string[] =>
  existsSync(outboxFolder(home)) ? readdirSync(outboxFolder(home)).filter(isWhole).sort() : [];
const isWhole = (name: string): boolean => !name.endsWith('.tmp');

/** A hub that answers, and a link to it. */
async function serve() {
  const home = makeHome();
  return { home, hub: await startFakeHub(home), link: makeLink(home) };
}

describe('requests', () => {
  it('refuses one that the hub would not accept, and the others continue', async () => {
    const { link } = await serve();
    const others = [ask(link, { a: 1 }), ask(link, { a: 2 })];
    await expect(ask(link, { text: 'x'.repeat(200_000) })).rejects.toMatchObject({ code: 'bad_input' });
    expect(await Promise.all(others)).toHaveLength(2);
    expect(await ask(link, { text: 'x'.repeat(60_000) })).toBeDefined();
  });

  it('gets the result, or the error with its code', async () => {
    const { link } = await serve();
    expect(await ask(link, { a: 1 })).toEqual({ echo: { a: 1 } });
    await expect(ask(link, { fail: true })).rejects.toMatchObject({
      code: 'not_found',
      message: 'No such job.',
      hint: 'Use another.',
    });
    await expect(ask(link, { silent: true }, 50)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('answers requests right after the CONNACK, for each of many new clients', async () => {
    const home = makeHome();
    await startFakeHub(home);
    const links = Array.from({ length: 40 }, () => makeLink(home));
    const answers = await Promise.all(links.map((link) => ask(link, { a: 1 }, 15_000 * PATIENCE)));
    expect(answers).toHaveLength(40);
  });

  it('starts the hub when its socket refuses', async () => {
    const home = makeHome();
    let starts = 0;
    const link = makeLink(home, {
      onUnreachable: async () => {
        starts++;
        await startFakeHub(home);
      },
    });
    expect(await ask(link, { a: 1 })).toEqual({ echo: { a: 1 } });
    expect(starts).toBe(1);
  });

  it('reports that no hub is there', async () => {
    const link = makeLink(makeHome());
    await expect(ask(link, {}, 100)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('sends a request again with the same id after a lost connection', async () => {
    const { home, hub: first, link } = await serve();
    await ask(link, {});
    const answer = ask(link, { silent: true });
    await until('the first arrival', () => first.requests.length === 2);
    await first.stop();
    const second = await startFakeHub(home, {});
    await until('the second arrival', () => second.requests.length === 1);
    expect(second.requests[0]?.request_id).toBe(first.requests[1]?.request_id);
    const { request_id, reply_to } = second.requests[0] as { request_id: string; reply_to: string };
    second.bus.publish(reply_to, JSON.stringify({ request_id, result: { late: true } }));
    expect(await answer).toEqual({ late: true });
  });

  it('fails when a URL cannot be reached, without the password in the text', async () => {
    const url = `mqtt://me:secret@127.0.0.1:${await freePort()}`;
    const link = makeLink(makeHome(), { address: { kind: 'url', url } });
    const error = await ask(link, {}).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining('ECONNREFUSED') });
    expect(String((error as Error).message)).not.toContain('secret');
  });
});

describe('following', () => {
  it('follows a job, without a gap to a later request', async () => {
    const { hub, link } = await serve();
    const heard: LogMessage[] = [];
    const end = link.follow('job-1', HOST, (message) => heard.push(message));
    await ask(link, {});
    accept(hub, 'job-1', makeClaim('job-1', 'one'));
    accept(hub, 'job-2', makeClaim('job-2', 'other'));
    await until('heard', () => heard.length === 1);
    end();
    await ask(link, {});
    accept(hub, 'job-1', makeClaim('job-1', 'two'));
    await ask(link, {});
    expect(heard.map(({ event }) => event.detail)).toEqual(['one']);
  });

  it('follows all jobs of a host, even after a lost connection, and reports the loss', async () => {
    const { home, hub: first, link } = await serve();
    const all: LogMessage[] = [];
    const one: LogMessage[] = [];
    const seen: string[] = [];
    link.onConnect(() => seen.push('here'));
    link.onLost(() => seen.push('lost'));
    const end = link.followAll(HOST, (message) => all.push(message));
    await ask(link, {});
    accept(first, 'job-1', makeClaim('job-1', 'one'));
    accept(first, 'job-2', makeClaim('job-2', 'two'));
    await until('heard', () => all.length === 2);
    await first.stop();
    const second = await startFakeHub(home);
    await until('here again', () => seen.length === 3);
    expect(seen).toEqual(['here', 'lost', 'here']);
    accept(second, 'job-3', makeClaim('job-3', 'three'));
    await until('heard', () => all.length === 3);
    end();
    link.follow('job-4', HOST, (message) => one.push(message));
    await ask(link, {});
    accept(second, 'job-4', makeClaim('job-4', 'four'));
    await until('heard', () => one.length > 0);
    expect(all.map(({ event }) => event.detail)).toEqual(['one', 'two', 'three']);
  });

  it('reconnects by itself and says so when all subscriptions are active', async () => {
    const { home, hub: first, link } = await serve();
    const heard: LogMessage[] = [];
    let connects = 0;
    link.onConnect(() => connects++);
    link.follow('job-1', HOST, (message) => heard.push(message));
    await until('connected', () => connects === 1);
    await first.stop();
    const second = await startFakeHub(home);
    await until('connected again', () => connects === 2);
    accept(second, 'job-1', makeClaim('job-1'));
    await until('heard', () => heard.length === 1);
  });
});

describe('claims', () => {
  it('are answered by the hub, numbered by job', async () => {
    const { hub, link } = await serve();
    const outcomes = await Promise.all(['a', 'b', 'a'].map((job) => link.claim(makeClaim(job))));
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(['answered', 'answered', 'answered']);
    expect(hub.journal.map((claim) => [claim.job_id, claim.writer_seq])).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 2],
    ]);
    expect(new Set(hub.journal.map((claim) => claim.writer)).size).toBe(1);
  });

  it('that are too long or have no valid job id are refused immediately', async () => {
    const link = makeLink(makeHome());
    const long = { ...makeClaim('a'), result: 'x'.repeat(65 * 1024) };
    await expect(link.claim(long)).rejects.toMatchObject({ code: 'bad_input' });
    await expect(link.claim(makeClaim('a/b'))).rejects.toMatchObject({ code: 'bad_input' });
  });

  it('go to the outbox in order when no hub acknowledges, and none overtakes', async () => {
    const home = makeHome();
    const options = { patienceMs: 300 };
    const link = makeLink(home, options);
    const first = await Promise.all([1, 2, 3].map((n) => link.claim(makeClaim('a', String(n)))));
    expect(first.map((outcome) => outcome.kind)).toEqual(['kept', 'kept', 'kept']);
    expect(outboxNames(home)).toHaveLength(3);
    const hub = await startFakeHub(home);
    options.patienceMs = 120_000;
    const listens = subscribed(link);
    const fourth = link.claim(makeClaim('a', '4'));
    await until('the fourth is in the outbox too', () => outboxNames(home).length === 4);
    expect(hub.arrived).toEqual([]);
    await listens;
    await drain(home, hub);
    expect(await fourth).toMatchObject({ kind: 'answered', reply: { seq: 4 } });
    expect(await link.claim(makeClaim('a', '5'))).toMatchObject({ kind: 'answered', reply: { seq: 5 } });
    expect(hub.journal.map((claim) => claim.detail)).toEqual(['1', '2', '3', '4', '5']);
    expect(outboxNames(home)).toEqual([]);
  });

  it('are answered from the outbox, long after the link has stopped looking for a hub', async () => {
    const home = makeHome();
    const options = { patienceMs: 1 };
    const link = makeLink(home, options);
    expect(await link.claim(makeClaim('a', '1'))).toMatchObject({ kind: 'kept' });
    // Nothing needs the connection any more: its second or third attempt is the last.
    await pause(300);
    const hub = await startFakeHub(home);
    options.patienceMs = 120_000;
    const listens = subscribed(link);
    const second = link.claim(makeClaim('a', '2'));
    await until('it is in the outbox', () => outboxNames(home).length === 2);
    await listens;
    await drain(home, hub);
    expect(await second).toMatchObject({ kind: 'answered', reply: { seq: 2 } });
  });

  it("whose files are gone without an answer are sent once more: only the hub's answer proves that one was recorded", async () => {
    const home = makeHome();
    const sent: Claim[] = [];
    const send = (_topic: string, payload: string) => void sent.push(JSON.parse(payload) as Claim);
    const options = { realm: REALM, replyTo: 'r', home, manyHubs: false, patienceMs: 100, send };
    const publisher = new Publisher(options);
    const say = ({ event_id }: Claim, recorded: boolean): void =>
      publisher.takeReply({
        event_id,
        accepted: recorded,
        recorded,
        ...(!recorded && { refusal: 'No such job.' }),
      });
    const [first, other, second] = [makeClaim('a', '1'), makeClaim('b', '2'), makeClaim('a', '3')];
    for (const claim of [first, other]) expect(await publisher.claim(claim)).toMatchObject({ kind: 'kept' });
    for (const entry of await readOutbox(outboxFolder(home))) await removeOutboxEntry(entry);
    options.patienceMs = 120_000;
    const outcome = publisher.claim(second);
    expect(sent.map(({ detail }) => detail)).toEqual(['1', '2', '1', '2', '3']);
    say(first, true);
    say(other, false);
    say(second, true);
    expect(await outcome).toMatchObject({
      kind: 'answered',
      reply: { recorded: true },
      earlier: ['Your earlier report progress for job b was refused: No such job.'],
    });
    expect(outboxNames(home)).toEqual([]);
    expect(publisher.busy).toBe(false);
  });

  it('of one job that cannot be written delay no other job', async () => {
    const home = makeHome();
    const hub = await startFakeHub(home);
    const full = { accepted: false, recorded: false, retry: true, refusal: 'The disk is full.' };
    hub.answer = ({ job_id }) => (job_id === 'a' ? full : { accepted: true, recorded: true, seq: 1 });
    const link = makeLink(home, { patienceMs: 1_000 });
    expect(await link.claim(makeClaim('a', '1'))).toEqual({ kind: 'kept', why: 'The disk is full.' });
    expect(await link.claim(makeClaim('b', '1'))).toMatchObject({ kind: 'answered' });
    expect(outboxNames(home)).toHaveLength(1);
  });

  it('go to the outbox when the hub says that it cannot write now', async () => {
    const home = makeHome();
    const hub = await startFakeHub(home);
    hub.answer = () => ({ accepted: false, recorded: false, retry: true, refusal: 'The disk is full.' });
    const link = makeLink(home, { patienceMs: 1_000 });
    expect(await link.claim(makeClaim('a', '1'))).toEqual({ kind: 'kept', why: 'The disk is full.' });
    hub.answer = undefined;
    await drain(home, hub);
    expect(await link.claim(makeClaim('a', '2'))).toMatchObject({ kind: 'answered' });
    expect(hub.journal.map((claim) => claim.detail)).toEqual(['1', '2']);
  });

  it('in the outbox get the answer of a hub without the job if no other answers in time', async () => {
    const home = makeHome();
    const options = { realm: REALM, replyTo: 'r', home, manyHubs: true, patienceMs: 300, send: () => {} };
    const publisher = new Publisher(options);
    expect(await publisher.claim(makeClaim('a', '1'))).toMatchObject({ kind: 'kept' });
    const claim = makeClaim('b', '2');
    const second = publisher.claim(claim);
    const reply = { event_id: claim.event_id, accepted: false, recorded: false, unknown: true };
    publisher.takeReply(reply);
    expect(await second).toEqual({ kind: 'answered', reply });
    await until('only the first is kept', () => outboxNames(home).length === 1);
  });

  it('are refused with a clear error when the outbox fails too', async () => {
    const home = makeHome();
    writeFileSync(outboxFolder(home), 'in the way');
    const link = makeLink(home, { patienceMs: 100 });
    await expect(link.claim(makeClaim('a'))).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining('could not be stored anywhere'),
    });
  });

  it('are put into the outbox when the process ends', async () => {
    const home = makeHome();
    const link = makeLink(home);
    const outcome = link.claim(makeClaim('a'));
    await link.close();
    expect(await outcome).toMatchObject({ kind: 'kept' });
    expect(outboxNames(home)).toHaveLength(1);
  });

  it('are sent again in order after a lost connection', async () => {
    const home = makeHome();
    const first = await startFakeHub(home, { claim: () => new Promise(() => {}) });
    const link = makeLink(home);
    const outcomes = Promise.all([1, 2, 3].map((n) => link.claim(makeClaim('a', String(n)))));
    await until('connected', () => link.connected);
    await first.stop();
    const second = await startFakeHub(home);
    expect((await outcomes).map((outcome) => outcome.kind)).toEqual(['answered', 'answered', 'answered']);
    expect(second.journal.map((claim) => claim.detail)).toEqual(['1', '2', '3']);
  });
});

describe('the outbox', () => {
  it('moves aside what is not a claim, and returns the rest in order', async () => {
    const home = makeHome();
    const folder = outboxFolder(home);
    mkdirSync(folder);
    const write = (name: string, value: unknown): void =>
      writeFileSync(join(folder, name), JSON.stringify(value));
    write('w-000000010.json', makeClaim('a', 'ten'));
    write('w-000000009.json', makeClaim('a', 'nine'));
    write('w-000000011.json', { no: 'claim' });
    write('v-000000001.json', makeClaim('a', 'one'));
    writeFileSync(join(folder, '.w-000000012.json.tmp'), '{');
    const entries = await readOutbox(folder);
    expect(entries.map((entry) => [entry.writer, entry.order, entry.claim.detail])).toEqual([
      ['v', 1, 'one'],
      ['w', 9, 'nine'],
      ['w', 10, 'ten'],
    ]);
    expect(readdirSync(folder)).toContain('w-000000011.json.bad');
    expect(await readOutbox(join(home, 'missing'))).toEqual([]);
  });
});
