import { connect, createServer, type Server, type Socket } from 'node:net';

/** A pair of connections that are one: what comes from one goes to the other. */
type Pair = [Socket, Socket];

/** Another port that leads to a port or a socket, as `ssh -L` makes one. It can be cut or frozen, and come back. */
export class Relay {
  readonly #to: number | string;
  readonly #sockets = new Set<Socket>();
  readonly #pairs = new Set<Pair>();
  #isFrozen = false;
  #server: Server | undefined;
  #port = 0;

  /** @param to a port of this machine, or the path of a socket */
  constructor(to: number | string) {
    this.#to = to;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens; again on the same port. */
  async open(): Promise<void> {
    const server = createServer((socket) => {
      const far = typeof this.#to === 'string' ? connect(this.#to) : connect(this.#to, '127.0.0.1');
      const pair: Pair = [socket, far];
      this.#pairs.add(pair);
      for (const one of [socket, far]) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          for (const both of pair) both.destroy();
          this.#sockets.delete(one);
          this.#pairs.delete(pair);
        });
      }
      if (this.#isFrozen) hold(pair);
      else join(pair);
    });
    this.#server = server;
    await new Promise<void>((done) => server.listen(this.#port, '127.0.0.1', done));
    this.#port = (server.address() as { port: number }).port;
  }

  /** Ends all connections, and takes no more. */
  async cut(): Promise<void> {
    const closed = new Promise((done) => this.#server?.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** From now on nothing comes through, and no end of a connection either: as with a link that is down. */
  freeze(): void {
    this.#isFrozen = true;
    for (const pair of this.#pairs) hold(pair);
  }

  /** What was sent meanwhile comes through, and all that follows. */
  thaw(): void {
    this.#isFrozen = false;
    for (const pair of this.#pairs) join(pair);
  }
}

function join([one, other]: Pair): void {
  one.pipe(other).pipe(one);
}

function hold(pair: Pair): void {
  for (const socket of pair) socket.unpipe().pause();
}
