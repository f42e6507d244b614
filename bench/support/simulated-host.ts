import type { MqttClient } from 'mqtt';
import { parseObject } from '../../src/base/json.ts';
import { sha256 } from '../../src/base/sha256.ts';
import { VERSION } from '../../src/base/version.ts';
import { openConnection } from '../../src/bus/connection.ts';
import { inboxFilter, inboxTopic, parseInboxTopic, statusTopic } from '../../src/bus/topics.ts';
import type { LiveJob, Recorded } from '../../src/hub/jobs/live-job.ts';
import { Feeder } from '../../src/hub/mesh/home/feeder.ts';
import { recordFor } from '../../src/hub/mesh/home/pages.ts';
import { type Hello, type Kind, MESH_VERSION } from '../../src/hub/mesh/wire/messages.ts';
import { apply } from '../../src/job/apply.ts';
import { draftEvent, type EventType, type RecordedEvent, type Saying } from '../../src/job/event.ts';
import type { JobOrder, JobRecord } from '../../src/job/record.ts';
import { PROTOCOL_VERSION } from '../../src/operations/request.ts';
import { now } from './bench.ts';

const REALM = 'default';
const MAY = { delegate: true, start: false, validate: false, decide: true, see: 'own' } as const;
/** One in this many events is one that wakes a waiter; the next one ends that. */
const WAKE_EVERY = 10;
const DETAIL = 'Ran the tests of the parser again after the change in the lexer: 211 of 214 pass by now.';

/** What the hosts of one process have said and heard since `reset`, and how long messages took, in ms. */
export class Traffic {
  said = 0;
  heard = 0;
  /** Messages and bytes (topic and payload) to the one real hub, which it does not count itself. */
  toReal = { messages: 0, bytes: 0 };
  events = 0;
  took: number[] = [];

  reset(): void {
    Object.assign(this, { said: 0, heard: 0, toReal: { messages: 0, bytes: 0 }, events: 0, took: [] });
  }
}

/** A job as far as the rest of a hub needs it to tell other hosts of it. */
class SimulatedJob {
  readonly id: string;
  readonly isRetired = false;
  readonly isFinal = false;
  /** Kept only for the real hub, which may ask for them. */
  readonly events: RecordedEvent[] = [];
  record: JobRecord;
  readonly #isReal: boolean;
  /** So that not all jobs wake somebody at the same time. */
  readonly #offset = Math.floor(Math.random() * WAKE_EVERY);

  constructor(order: JobOrder, isReal: boolean) {
    this.id = order.job_id;
    this.#isReal = isReal;
    this.record = undefined as unknown as JobRecord;
    this.add('queued', { data: { job: order } });
    for (const stage of ['pasting', 'submitted'] as const) this.add(stage, { data: { evidence: 'seen' } });
    this.add('started', { source: 'peer' });
  }

  add<T extends EventType>(type: T, said: Saying<T> = {}): Recorded {
    const before: JobRecord | undefined = this.record;
    const draft = draftEvent(this.id, type, said);
    const event: RecordedEvent = { ...draft, seq: (before?.seq ?? 0) + 1, recorded_at: draft.at };
    this.record = apply(before, event);
    if (this.#isReal) this.events.push(event);
    return { event, before, after: this.record, repeated: false };
  }

  /** What happens next: mostly progress. The time is in its words, so that whoever hears of it knows how long that took. */
  next(): Recorded {
    const detail = `${DETAIL} @${now()}`;
    const more = { writer: 'mx3jdvoi-hmt-mozlrm67ju8ppgq6', writer_seq: this.record.seq, detail };
    const place = (this.record.seq + this.#offset) % WAKE_EVERY;
    if (place === 0) return this.add('turn_ended', { source: 'hook', ...more });
    if (place === 1) return this.add('resumed', { source: 'hook', data: { turn: true }, ...more });
    return this.add('progress', { source: 'peer', ...more });
  }
}

/** A host that behaves on the wire as a hub does, with the hub's own feeder, and has nothing behind it. */
export class SimulatedHost {
  readonly name: string;
  readonly jobs: SimulatedJob[] = [];
  readonly #partners: readonly string[];
  readonly #real: string;
  readonly #traffic: Traffic;
  readonly #epoch = new Date().toISOString();
  readonly #feeder: Feeder;
  readonly #byId = new Map<string, SimulatedJob>();
  #client: MqttClient | undefined;
  #at = 0;

  /**
   * @param partners each delegates as many of its jobs as the others
   * @param real the name of the real hub
   */
  constructor(name: string, partners: readonly string[], jobs: number, real: string, traffic: Traffic) {
    this.name = name;
    this.#partners = partners;
    this.#real = real;
    this.#traffic = traffic;
    const send = (to: string, kind: Kind, body: unknown, jobId?: string) => this.#send(to, kind, body, jobId);
    this.#feeder = new Feeder({ send, mayRead: () => true }, this.#epoch);
    for (let n = 0; n < jobs; n++) {
      const delegator = partners[n % partners.length] ?? '';
      this.#take(new SimulatedJob(this.#order(`job${n}-of-${name}`, delegator), false));
    }
  }

  async join(url: string, password: string): Promise<void> {
    const topic = statusTopic(REALM, this.name);
    const client = await openConnection(
      { kind: 'url', url, username: this.name, password },
      {
        clientId: `mam-mesh-${this.name}`,
        clean: true,
        will: { topic, payload: JSON.stringify({ online: false, epoch: this.#epoch }) },
      },
    );
    client.on('message', (at, payload) => this.#heard(at, payload));
    this.#client = client;
    await client.subscribeAsync(topic, { qos: 1 });
    await client.subscribeAsync(inboxFilter(REALM, this.name), { qos: 0 });
    const theirs = this.#partners.map((one) => statusTopic(REALM, one));
    await client.subscribeAsync(theirs, { qos: 1 });
    const about = { version: VERSION, protocol: PROTOCOL_VERSION, open_jobs: this.jobs.length };
    const status = JSON.stringify({ online: true, epoch: this.#epoch, ...about });
    await client.publishAsync(topic, status, { qos: 1, retain: true });
    for (const one of this.#partners) this.#send(one, 'hello', this.#hello({ reply: true }));
  }

  /** Bytes of its connection so far, in both directions. */
  get bytes(): { said: number; heard: number } {
    const { bytesWritten = 0, bytesRead = 0 } = (this.#client?.stream ?? {}) as Partial<{
      bytesWritten: number;
      bytesRead: number;
    }>;
    return { said: bytesWritten, heard: bytesRead };
  }

  /** The next event of one of its jobs, each in turn. */
  event(): void {
    const job = this.jobs[this.#at++ % this.jobs.length];
    if (job === undefined) return;
    this.#traffic.events++;
    this.#feeder.onRecorded(job as unknown as LiveJob, job.next());
  }

  async leave(): Promise<void> {
    this.#feeder.stop();
    await this.#client?.endAsync(true);
  }

  /** Their turns are in no order. */
  #take(job: SimulatedJob): void {
    this.jobs.splice(Math.floor(Math.random() * (this.jobs.length + 1)), 0, job);
    this.#byId.set(job.id, job);
    this.#feeder.resume(job as unknown as LiveJob);
  }

  #heard(topic: string, payload: Buffer): void {
    this.#traffic.heard++;
    const { from = '', kind } = parseInboxTopic(REALM, topic) ?? {};
    if (kind === 'feed') this.#traffic.took.push(...sinceSaid(payload));
    if (kind !== 'hello' && kind !== 'ask') return;
    // biome-ignore lint/suspicious/noExplicitAny: whatever a hub of this version sends
    const body = parseObject(payload.toString()) as any;
    if (kind === 'ask') this.#answer(from, body);
    else {
      if (body.reply) this.#send(from, 'hello', this.#hello({ reply: false, echo: body.now }));
      this.#feeder.onHello(from);
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever a hub of this version sends
  #answer(to: string, { id, command, params }: any): void {
    const said = { v: MESH_VERSION, id, now: new Date().toISOString() };
    const job = command === 'delegate' ? this.#delegated(to, params) : this.#byId.get(params.job_id);
    if (job === undefined || (command !== 'delegate' && command !== 'events')) {
      const error = { code: 'not_found', message: 'There is no such thing.', hint: '' };
      this.#send(to, 'answer', { ...said, error });
      return;
    }
    const events = command === 'events' ? job.events.slice(params.after) : job.events;
    const { record } = job;
    const receipt = { repeated: false, delivery: record.delivery, position: 0, behind: [], warnings: [] };
    this.#send(to, 'answer', {
      ...said,
      result: {
        record: recordFor(record),
        ...(command === 'delegate' && receipt),
        ...{ events: events.slice(0, 50), more: events.length > 50 },
      },
    });
  }

  /** It takes the place of a job of another host, so that there are no more than before. */
  #delegated(from: string, { job_id: id }: { job_id: string }): SimulatedJob {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const job = new SimulatedJob(this.#order(id, from), true);
    this.jobs.splice(Math.floor(Math.random() * this.jobs.length), 1);
    this.#take(job);
    return job;
  }

  #order(id: string, delegator: string): JobOrder {
    const prompt = `Look through the tests of the parser, find the one that fails now and then, and mend it (${id}).`;
    const session = {
      socket: '/tmp/tmux-1000/default',
      session: id,
      window: 0,
      pane: '%1',
      session_created: 1,
    };
    return {
      ...{ job_id: id, agent: 'command', agent_session: session, host: this.name, depth: 0 },
      ...{
        registry_dir: '/srv/project/.mam/jobs',
        log_dir: `/srv/project/.mam/jobs/${id}`,
        workdir: '/srv/project',
      },
      ...{ prompt_sha256: sha256(prompt), prompt_preview: prompt, prompt_bytes: prompt.length },
      supervisor: { client: 'claude-code', session: 'mx3jdvoi-hmt-mozlrm67ju8ppgq6', host: delegator },
      timeouts: { timeout_seconds: 3_600, idle_timeout_seconds: 120 },
      peer_server: 'connected',
    };
  }

  #hello(more: Pick<Hello, 'reply' | 'echo'>): Hello {
    const about = { protocol: PROTOCOL_VERSION, version: VERSION, may: MAY };
    return { v: MESH_VERSION, epoch: this.#epoch, now: new Date().toISOString(), ...about, ...more };
  }

  #send(to: string, kind: Kind, body: unknown, jobId?: string): boolean {
    const topic = inboxTopic(REALM, to, this.name, kind, jobId);
    const payload = JSON.stringify(body);
    this.#traffic.said++;
    if (to === this.#real) {
      this.#traffic.toReal.messages++;
      this.#traffic.toReal.bytes += topic.length + Buffer.byteLength(payload) + PACKET_BYTES;
    }
    this.#client?.publish(topic, payload, { qos: 0 }, () => {});
    return true;
  }
}

/** The fixed header of a packet of this size, and the length of its topic, in bytes. */
const PACKET_BYTES = 5;

/** How long a message has taken since its event, in ms; nothing for one without a time. */
export function sinceSaid(payload: Buffer): number[] {
  const said = /@(\d+\.?\d*)"/.exec(payload.toString('latin1'))?.[1];
  return said === undefined ? [] : [now() - Number(said)];
}
