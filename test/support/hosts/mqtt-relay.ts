import { connect, createServer, type Server, type Socket } from 'node:net';
import mqttPacket, { type Packet } from 'mqtt-packet';
import type { Broker } from './broker.ts';
import { OUTSIDE } from './network.ts';

/** A message on its way between a program and the broker. */
export interface Passing {
  /** True if the program said it, false if the broker passes it on to the program. */
  isSaid: boolean;
  topic: string;
  text: string;
}

/**
 * What happens with a message: false if it is lost. What it does by itself, such as to kill a hub, is done before the
 * message goes on, and before anything that comes after it.
 */
export type Rule = (message: Passing) => boolean | Promise<boolean>;

/** A way to a broker on which single messages get lost, or something happens right when they pass. Loopback hosts only. */
export class MqttRelay {
  /** All that passed or was lost, in its order. */
  readonly seen: Passing[] = [];
  rule: Rule = () => true;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #listensAt = 0;

  private constructor(port: number) {
    this.#port = port;
  }

  /** It ends with the hosts. */
  static async to(broker: Broker): Promise<MqttRelay> {
    const relay = new MqttRelay(Number(new URL(await broker.url(OUTSIDE)).port));
    await relay.#open();
    broker.onEnd(() => relay.#close());
    return relay;
  }

  /** The address of the relay, in the place of the broker's. */
  get url(): string {
    return `mqtt://127.0.0.1:${this.#listensAt}`;
  }

  /** The messages so far whose topic ends so. */
  on(end: RegExp): Passing[] {
    return this.seen.filter(({ topic }) => end.test(topic));
  }

  async #open(): Promise<void> {
    const server = createServer((near) => {
      const far = connect(this.#port, '127.0.0.1');
      for (const [from, to, isSaid] of [
        [near, far, true],
        [far, near, false],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        this.#carry(from, to, isSaid);
      }
    });
    this.#server = server;
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    this.#listensAt = (server.address() as { port: number }).port;
  }

  async #close(): Promise<void> {
    const closed = new Promise((done) => this.#server?.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #carry(from: Socket, to: Socket, isSaid: boolean): void {
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    let last: Promise<unknown> = Promise.resolve();
    parser.on('packet', (packet: Packet) => {
      last = last.then(async () => {
        if ((await this.#passes(packet, isSaid)) && to.writable) to.write(mqttPacket.generate(packet));
      });
    });
    from.on('data', (bytes) => parser.parse(bytes));
  }

  async #passes(packet: Packet, isSaid: boolean): Promise<boolean> {
    if (packet.cmd !== 'publish') return true;
    const message = { isSaid, topic: packet.topic, text: packet.payload.toString() };
    this.seen.push(message);
    return this.rule(message);
  }
}
