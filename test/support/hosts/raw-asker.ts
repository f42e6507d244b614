import { newEventId, newJobId } from '../../../src/base/ids.ts';
import type { JobRecord } from '../../../src/job/record.ts';
import { until } from '../until.ts';
import type { Broker } from './broker.ts';
import { RawClient } from './raw-client.ts';

/** What a hub answers. */
export interface RawReply {
  id: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the hub sent
  result?: any;
  error?: { code: string; message: string; hint: string };
  now: string;
}

/** How an ask is sent, if not as hubs do. */
export interface AskHow {
  id?: string;
  /** How long it may still be carried out, in ms. */
  expiresMs?: number;
  /** Instead of the asker's own name. */
  as?: string;
  v?: number;
}

/** A host that is only a client of a broker, and asks a hub for what a test wants: also what no hub would. */
export class RawAsker {
  readonly raw: RawClient;
  readonly name: string;
  readonly to: string;

  private constructor(raw: RawClient, name: string, to: string) {
    this.raw = raw;
    this.name = name;
    this.to = to;
  }

  /** Joins as a user of the broker; an open one takes any name. */
  static async join(broker: Broker, name: string, to: string, isOpen = false): Promise<RawAsker> {
    const asker = new RawAsker(await RawClient.join(broker, isOpen ? undefined : name), name, to);
    await asker.raw.hear(`mam/v1/default/hosts/${name}/in/#`);
    return asker;
  }

  /** Says hello until the hub answers: from then on it sends what it has to tell. */
  async hello(): Promise<void> {
    const epoch = new Date().toISOString();
    const before = this.#heard('hello').length;
    await until(`${this.to} says hello`, async () => {
      const echo = this.#heard('hello').slice(before).at(-1)?.now;
      const body = { v: 1, epoch, now: new Date().toISOString(), protocol: 1, version: '0.1.0', reply: true };
      await this.say('hello', { ...body, ...(echo !== undefined && { echo }) });
      return echo;
    });
  }

  /** Sends an ask and waits for its answer. */
  async reply(command: string, params: object, how: AskHow = {}): Promise<RawReply> {
    const id = how.id ?? newEventId();
    const before = this.#answers(id).length;
    await this.send(command, params, { ...how, id });
    return until(`${this.to} answers ${command}`, () => this.#answers(id)[before]);
  }

  /** The same, if it is answered with a result. @throws with the error of the answer */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the hub sent
  async ask(command: string, params: object, how: AskHow = {}): Promise<any> {
    const { result, error } = await this.reply(command, params, how);
    if (error !== undefined) throw new Error(`${error.code}: ${error.message} ${error.hint}`);
    return result;
  }

  /** The error with which an ask is answered. @throws if it is carried out */
  async error(command: string, params: object, how: AskHow = {}): Promise<NonNullable<RawReply['error']>> {
    const { result, error } = await this.reply(command, params, how);
    if (error === undefined) throw new Error(`${command} was carried out: ${JSON.stringify(result)}`);
    return error;
  }

  /** Sends an ask without waiting. */
  async send(command: string, params: object, how: AskHow = {}): Promise<void> {
    const { id = newEventId(), expiresMs = 20_000, v = 1 } = how;
    const expires_at = new Date(Date.now() + expiresMs).toISOString();
    await this.say('ask', { v, id, command, params, expires_at }, how.as);
  }

  /** Says something to the hub. @param rest the levels of the topic after the sender's name */
  async say(rest: string, body: object | string, as = this.name): Promise<void> {
    await this.raw.say(`mam/v1/default/hosts/${this.to}/in/${as}/${rest}`, body, { qos: 0 });
  }

  /** What an ask to delegate says at least. */
  job(prompt = 'Mend the roof', more: object = {}) {
    return {
      ...{ job_id: newJobId(prompt), prompt, agent: 'command' },
      ...{ supervisor: { client: 'test', session: 'cli' }, depth: 0, lineage: [], ...more },
    };
  }

  /** The messages about a job, in the order in which they came. */
  feed(jobId: string): { event: { seq: number; type: string }; record?: JobRecord }[] {
    return this.#heard(`feed/${jobId}`);
  }

  /** How far a job is, as the last digest says. */
  digested(jobId: string): number | undefined {
    const jobs = this.#heard('digest').flatMap(({ jobs }) => jobs as [string, number][]);
    return jobs.findLast(([id]) => id === jobId)?.[1];
  }

  get answers(): RawReply[] {
    return this.#heard('answer');
  }

  #answers(id: string): RawReply[] {
    return this.answers.filter((one) => one.id === id);
  }

  // biome-ignore lint/suspicious/noExplicitAny: whatever the hub sent
  #heard(kind: string): any[] {
    return this.raw.on(`/in/${this.to}/${kind}`).map((text) => JSON.parse(text));
  }
}
