/** What a hub does with what arrives for it. */
export interface BusHandlers {
  /**
   * Called in the order in which one client published. Resolves when the claim is settled (journalled, or refused
   * with an answer): only then its publisher gets the PUBACK. Rejects when it could not be stored anywhere: no PUBACK, and
   * over the embedded broker the connection is closed, so that the publisher tries again; over another one it is called again.
   */
  claim(jobId: string, payload: Buffer): Promise<void>;
  /** A client's request, acknowledged at once; the answer goes out through `publish`. */
  request(payload: Buffer): void;
  /** How many clients are connected, at each change. */
  clients?(count: number): void;
}

/** The same for what comes over an external broker. Requests are not heard there: whoever may publish could send them. */
export interface ExternalHandlers extends Pick<BusHandlers, 'claim' | 'clients'> {
  /** What another hub says to a claim that was passed on. */
  answer?(payload: Buffer): void;
}

/** The hub's side of the MQTT traffic, with the broker inside or outside of its process. */
export interface HubBus {
  /** Sends at QoS 1 in call order, never waits, never throws; `retain` with an empty payload clears the topic. */
  publish(topic: string, payload: string | Buffer, options?: { retain?: boolean }): void;
  /** Connected clients; 1 or 0, for the hub's own connection, with an external broker. */
  readonly clients: number;
  /** Why an external broker is not there at the moment, as a sentence. */
  readonly problem?: string | undefined;
  /** Says good-bye to every client and takes the socket away, if it is still ours. */
  stop(): Promise<void>;
}
