import { createConnection, createServer } from 'node:net';

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

export function listens(where: { port: number } | { path: string }): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection('port' in where ? { ...where, host: '127.0.0.1' } : where);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
