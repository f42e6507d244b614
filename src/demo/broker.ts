import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';

/**
 * The broker between the demo's two hosts: anything that speaks MQTT would do. Runs until it is ended.
 * @param address where it listens
 * @param file gets its port
 */
export async function runBroker(address: string, file: string): Promise<number> {
  const aedes = new Aedes();
  await aedes.listen();
  const server = createServer((socket) => aedes.handle(socket));
  server.listen(0, address, () => writeFileSync(file, String((server.address() as AddressInfo).port)));
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    server.once('error', () => resolve());
  });
  return 0;
}
