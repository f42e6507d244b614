import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';

/** A broker in this process that lets everybody in; a test may hold its clients up. */
export async function smallBroker(): Promise<{
  aedes: Aedes;
  port: number;
  url: string;
  end(): Promise<void>;
}> {
  const aedes = new Aedes();
  await aedes.listen();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const end = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { aedes, port, url: `mqtt://127.0.0.1:${port}`, end };
}
