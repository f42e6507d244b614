import { type HostStatus, type Kind, MAX_PAYLOAD_BYTES } from './messages.ts';

/** A message from another hub, in a hub's inbox. */
export interface MeshMessage {
  wire: Wire;
  /** The sender, as its topic says: proven by the broker's rules, or by ssh. */
  from: string;
  /** The name by which the sender calls this hub. */
  to: string;
  kind: Kind;
  /** Of a `feed` or a `claim`. */
  jobId: string | undefined;
  payload: Buffer;
}

/** What happens on a wire. */
export interface WireHandlers {
  message(message: MeshMessage): void;
  /** A wire is connected, or connected anew: everything that was sent meanwhile is lost. */
  up(wire: Wire): void;
  /** @param why a sentence for people, without secrets */
  down(wire: Wire, why: string): void;
  /** A retained presence, or a change of it. */
  status(wire: Wire, host: string, status: HostStatus): void;
  /** The connection of one host over a wire that has several has ended. */
  gone(wire: Wire, host: string): void;
}

/**
 * One way to other hubs: the broker that they share (`broker`), an ssh connection that this hub has opened to one of them
 * (`ssh`), or this hub's own socket, to which others have come over ssh (`socket`).
 */
export interface Wire {
  readonly kind: 'broker' | 'ssh' | 'socket';
  /** The one host at the other end; absent where there may be several. */
  readonly host?: string | undefined;
  readonly isUp: boolean;
  /** Why it is down, as a sentence. */
  readonly problem?: string | undefined;
  /**
   * Sends at QoS 0: what is sent while the wire is down is lost, and whoever needs it asks again.
   * @param as the name by which the receiver calls this hub; its own name if absent
   * @returns false if it was not sent
   */
  send(to: string, kind: Kind, body: unknown, more?: { jobId?: string | undefined; as?: string }): boolean;
  stop(): Promise<void>;
}

/** A message as JSON. @returns undefined, with a warning, if it is longer than every broker takes */
export function payloadOf(
  to: string,
  kind: Kind,
  body: unknown,
  warn: (text: string) => void,
): string | undefined {
  const payload = JSON.stringify(body);
  const bytes = Buffer.byteLength(payload);
  if (bytes <= MAX_PAYLOAD_BYTES) return payload;
  warn(`a message (${kind}) to ${to} has ${bytes} bytes, more than ${MAX_PAYLOAD_BYTES}, and was not sent`);
  return undefined;
}
