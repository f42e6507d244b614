import { createConnection } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { unreachable } from '../bus/address.ts';
import type { Settings } from '../settings/config.ts';
import { presentSocketPath } from '../settings/hub-place.ts';
import { checkHubSocket } from '../trust/socket.ts';
import { ensureHub } from './ensure-hub.ts';

/**
 * Connects two streams with the socket of the user's own hub, which is started if none runs: so a hub elsewhere reaches it
 * over ssh.
 * @returns when either side has ended
 * @throws as `ensureHub`; MamError `unreachable` when the socket can't be connected
 */
export async function pipeHub(settings: Settings, input: Readable, output: Writable): Promise<void> {
  await ensureHub(settings);
  const path = presentSocketPath(settings);
  checkHubSocket(path);
  const socket = createConnection(path);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(unreachable({ kind: 'socket', path }, error)));
  });
  await new Promise<void>((resolve) => {
    for (const stream of [input, output, socket]) stream.on('error', () => resolve());
    input.once('end', () => resolve());
    input.once('close', () => resolve());
    socket.once('close', () => resolve());
    input.pipe(socket);
    // The output must not be ended before its last bytes are written; the process does that.
    socket.pipe(output, { end: false });
  });
  socket.destroy();
  input.destroy();
}
