import { connect, createServer, type Server, type Socket } from 'node:net';

/** Another port that leads to a port, as `ssh -L` makes one. It can be cut, and come back. */
export class Relay {
  readonly #to: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(to: number) {
    this.#to = to;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens; again on the same port. */
  async open(): Promise<void> {
    const server = createServer((socket) => {
      const far = connect(this.#to, '127.0.0.1');
      for (const one of [socket, far]) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          for (const both of [socket, far]) both.destroy();
          this.#sockets.delete(one);
        });
      }
      socket.pipe(far).pipe(socket);
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
}
