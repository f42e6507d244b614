import type { HubBus } from '../../../bus/hub-bus.ts';
import { type InboxAddress, inboxTopic } from '../../../bus/topics.ts';
import { isKind, type Kind } from './messages.ts';
import { payloadOf, type Wire, type WireHandlers } from './wire.ts';

/** How many names all connections together may use: more than there are hosts that come over ssh, and too few to fill the memory. */
const MAX_NAMES = 1_000;

/** The hub's own socket, for the hubs that have come to it over ssh. Whoever reaches it may act as the user anyway. */
export class SocketWire implements Wire {
  readonly kind = 'socket';
  readonly #with;
  /** The connection over which each host was heard last. */
  readonly #clients = new Map<string, string>();

  constructor(parts: {
    realm: string;
    host: string;
    /** The hub's embedded broker, once it runs. */
    bus: () => HubBus | undefined;
    handlers: WireHandlers;
    warn: (text: string) => void;
  }) {
    this.#with = parts;
  }

  get isUp(): boolean {
    return this.#with.bus() !== undefined;
  }

  /** A message of a client of the embedded broker. @param client its connection */
  take({ to, from, kind, jobId }: InboxAddress, payload: Buffer, client: string): void {
    if (!isKind(kind)) return;
    if (!this.#clients.has(from) && this.#clients.size >= MAX_NAMES) return;
    this.#clients.set(from, client);
    this.#with.handlers.message({ wire: this, from, to, kind, jobId, payload });
  }

  /** A connection of the embedded broker has ended. */
  left(client: string): void {
    for (const [host, its] of [...this.#clients]) {
      if (its !== client) continue;
      this.#clients.delete(host);
      this.#with.handlers.gone(this, host);
    }
  }

  send(
    to: string,
    kind: Kind,
    body: unknown,
    { jobId, as }: { jobId?: string | undefined; as?: string } = {},
  ): boolean {
    const { realm, host, bus, warn } = this.#with;
    const payload = this.#clients.has(to) ? payloadOf(to, kind, body, warn) : undefined;
    if (payload === undefined) return false;
    bus()?.publish(inboxTopic(realm, to, as ?? host, kind, jobId), payload);
    return this.isUp;
  }

  async stop(): Promise<void> {
    this.#clients.clear();
  }
}
