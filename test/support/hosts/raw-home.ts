import type { Broker } from './broker.ts';
import { RawClient, type RawOptions } from './raw-client.ts';

/** What a hub asks, as it came. */
export interface RawAsk {
  id: string;
  command: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the hub sent
  params: any;
  expires_at: string;
}
export type RawAnswer =
  | { result: object }
  | { error: { code: string; message: string; hint: string } }
  | undefined;

/** A host that is only a client of the broker: it says what a test wants, as a hub of any version and with any clock might. */
export class RawHome {
  readonly raw: RawClient;
  readonly name: string;
  readonly asks: RawAsk[] = [];
  /** What it was answered. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the hub sent
  readonly answers: { id: string; result?: any; error?: any }[] = [];
  /** How far its clock is ahead, in ms. */
  offsetMs = 0;
  /** When its hub started. */
  epoch = new Date().toISOString();
  /** What it answers; undefined: nothing at all. */
  answer: (ask: RawAsk, from: string) => RawAnswer = () => undefined;

  private constructor(raw: RawClient, name: string) {
    this.raw = raw;
    this.name = name;
  }

  /** Joins as a user of the broker. */
  static async join(broker: Broker, name: string, options?: RawOptions): Promise<RawHome> {
    const home = new RawHome(await RawClient.join(broker, name, options), name);
    home.raw.client.on('message', (topic, payload) => home.#heard(topic, payload.toString()));
    await home.raw.hear(`mam/v1/default/hosts/${name}/in/#`);
    return home;
  }

  /** Its clock. */
  get now(): number {
    return Date.now() + this.offsetMs;
  }

  /** Says that it is there, or that it is not. */
  async status(online: boolean): Promise<void> {
    const body = { online, epoch: this.epoch, version: '0.1.0', protocol: 1, open_jobs: 0 };
    await this.raw.say(`mam/v1/default/hosts/${this.name}/status`, body, { retain: true });
  }

  /** Says something to a hub. @param rest the levels of the topic after its name */
  async say(to: string, rest: string, body: object): Promise<void> {
    await this.raw.say(`mam/v1/default/hosts/${to}/in/${this.name}/${rest}`, body, { qos: 0 });
  }

  async digest(to: string, jobs: [string, number][]): Promise<void> {
    await this.say(to, 'digest', { v: 1, epoch: this.epoch, jobs });
  }

  #heard(topic: string, text: string): void {
    const [from = '', kind] = topic.split('/').slice(-2);
    const body = JSON.parse(text);
    if (kind === 'hello') void this.#hello(from, body);
    if (kind === 'answer') this.answers.push(body);
    if (kind !== 'ask') return;
    this.asks.push(body);
    const answer = this.answer(body, from);
    const now = new Date(this.now).toISOString();
    if (answer !== undefined) void this.say(from, 'answer', { v: 1, id: body.id, ...answer, now });
  }

  async #hello(to: string, { now: echo, reply }: { now: string; reply: boolean }): Promise<void> {
    if (!reply) return;
    const may = { delegate: true, start: false, validate: false, decide: true, see: 'own' };
    const now = new Date(this.now).toISOString();
    const body = { v: 1, epoch: this.epoch, now, protocol: 1, version: '0.1.0', may, reply: false, echo };
    await this.say(to, 'hello', body);
  }
}
