import type { InboxAddress } from './topics.ts';

/** How a hub handles what arrives for it. */
export interface BusHandlers {
  /**
   * Called in the order in which one client published. Resolves when the claim is settled (journalled, or refused with
   * an answer): only then does its publisher get the PUBACK. Rejects if it could not be stored anywhere. The embedded
   * broker then closes the connection, so that the publisher retries; with an external broker this is called again.
   */
  claim(jobId: string, payload: Buffer): Promise<void>;
  /** A client's request, already acknowledged; the answer goes out through `publish`. */
  request(payload: Buffer): void;
  /**
   * Another hub's message, which came over ssh: for whatever host it is, this hub is the only one here.
   * @param client the connection that it came over
   */
  inbox?(address: InboxAddress, payload: Buffer, client: string): void;
  /** A connection has ended. */
  left?(client: string): void;
  /** Called with the number of connected clients whenever it changes. */
  clients?(count: number): void;
}

/** The same for an external broker. It takes no requests: anyone who may publish there could send them. */
export interface ExternalHandlers extends Pick<BusHandlers, 'claim' | 'clients'> {
  /** Another hub's answer to a claim that was passed on to it. */
  answer?(payload: Buffer): void;
}

/** The hub's side of the MQTT traffic, with the broker inside or outside its process. */
export interface HubBus {
  /** Sends at QoS 1 in call order, never waits, never throws; `retain` with an empty payload clears the topic. */
  publish(topic: string, payload: string | Buffer, options?: { retain?: boolean }): void;
  /** Connected clients; 1 or 0, for the hub's own connection, with an external broker. */
  readonly clients: number;
  /** Why an external broker is not connected now, as a sentence. */
  readonly problem?: string | undefined;
  /** Disconnects every client and removes the socket, if it is still ours. */
  stop(): Promise<void>;
}
