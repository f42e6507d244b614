import { randomBytes } from 'node:crypto';
import { chmod, readdir, rename, stat, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Aedes } from 'aedes';
import { MamError } from '../../base/errors.ts';
import { LIMITS } from '../../job/limits.ts';
import { guardFrames } from '../frame-guard.ts';
import type { BusHandlers, HubBus } from '../hub-bus.ts';
import { isRequestTopic, parseClaimTopic, parseInboxTopic, REJECTED_TOPIC, realmPrefix } from '../topics.ts';
import { type AedesClient, deliverAtOnce } from './delivery.ts';
import { type BrokerPacket, Retained } from './retained.ts';

export interface BrokerOptions {
  /** Absolute path, under 100 bytes; its folder exists and is private. */
  socketPath: string;
  realm: string;
  handlers: BusHandlers;
  /** How long a subscriber may stop reading before it is dropped, in ms; 1,000 if absent. */
  drainMs?: number;
}

/** The broker inside the hub. */
export interface OwnBroker extends HubBus {
  /** Listens on a new socket after the old one was removed; connected clients notice nothing. @throws MamError `io` */
  listenAgain(): Promise<void>;
}

/** The system silently cuts a longer path, so that two hubs could share a socket. */
const MAX_SOCKET_PATH_BYTES = 100;
/** The temporary name of a socket until the hub renames it. */
const TEMPORARY = /^\.[0-9a-f]{6}$/;
/** A dropped subscriber reconnects and asks for what it missed. */
const DRAIN_TIMEOUT_MS = 1000;

/** What we use of aedes beyond its published types. */
interface AedesInside {
  connectedClients: number;
  persistence: ConstructorParameters<typeof Retained>[0];
  mq: { emit(packet: BrokerPacket): void };
  publish(packet: unknown, client: unknown, done?: unknown): void;
}

/**
 * Starts the embedded broker on a private unix socket (mode 0600). Claims reach the handler before their PUBACK is
 * sent. What clients publish goes only to the handlers: only the hub publishes to subscribers.
 * @throws MamError `bad_input` for a path that is too long, `io` when the socket cannot be made
 */
export async function startBroker(options: BrokerOptions): Promise<OwnBroker> {
  const { socketPath, handlers, drainMs = DRAIN_TIMEOUT_MS } = options;
  checkPath(socketPath);
  const aedes = new Aedes({
    concurrency: 0,
    drainTimeout: drainMs,
    // Sessions end with their connection: a queue for a client that never comes back would grow forever.
    preConnect: (_client, packet, callback) => {
      packet.clean = true;
      callback(null, true);
    },
    authorizePublish: (client, packet, callback) => receive(options, client?.id ?? '', packet, callback),
    authorizeSubscribe: (_client, subscription, callback) => {
      const ours = subscription.topic.startsWith(realmPrefix(options.realm));
      callback(null, ours ? subscription : null);
    },
  });
  await aedes.listen();
  const inside = aedes as unknown as AedesInside;
  const retained = new Retained(inside.persistence);
  inside.publish = dropForeign;
  const count = (): void => handlers.clients?.(inside.connectedClients);
  aedes.on('client', (client) => {
    deliverAtOnce(client as unknown as AedesClient);
    count();
  });
  aedes.on('clientDisconnect', (client) => {
    handlers.left?.(client.id);
    count();
  });

  const sockets = new Set<Socket>();
  const makeServer = (): Server =>
    createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      guardFrames(socket);
      aedes.handle(socket);
    });
  let server = makeServer();
  let inode = await listen(server, socketPath);

  return {
    publish(topic, payload, { retain = false } = {}) {
      const packet: BrokerPacket = {
        cmd: 'publish',
        topic,
        payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
        qos: 1,
        retain,
        dup: false,
      };
      if (retain) retained.put(packet);
      // Straight to the matching subscribers: aedes.publish first queries its store of absent sessions.
      inside.mq.emit(packet);
    },
    get clients() {
      return inside.connectedClients;
    },
    async listenAgain() {
      const next = makeServer();
      inode = await listen(next, socketPath);
      server.close();
      server = next;
    },
    async stop() {
      const found = await stat(socketPath).catch(() => undefined);
      if (found?.ino === inode) await unlink(socketPath).catch(() => {});
      // What was just published reaches the sockets a turn later.
      await nextTurn();
      await nextTurn();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Passes one PUBLISH of a client to its handler; calling `callback` without an error acknowledges it. */
function receive(
  { realm, handlers }: BrokerOptions,
  client: string,
  packet: { topic: string; payload: Buffer | string },
  callback: (error?: Error | null) => void,
): void {
  const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
  const fits = payload.length <= LIMITS.payloadBytes;
  const jobId = fits ? parseClaimTopic(realm, packet.topic) : undefined;
  if (jobId !== undefined) {
    const settle = async (): Promise<void> => handlers.claim(jobId, payload);
    settle().then(
      () => callback(null),
      async (error: unknown) => {
        // Closing immediately would lose the answer that says why; it reaches the socket a turn later.
        await nextTurn();
        await nextTurn();
        callback(error instanceof Error ? error : new Error(String(error)));
      },
    );
    return;
  }
  const inbox = fits ? parseInboxTopic(realm, packet.topic) : undefined;
  if (inbox !== undefined) handlers.inbox?.(inbox, payload, client);
  else if (fits && isRequestTopic(realm, packet.topic)) {
    // Acknowledged whatever happens to it: one client's message must not stop the broker for everyone.
    Promise.resolve(payload)
      .then(handlers.request.bind(handlers))
      .catch(() => {});
  }
  // If we closed the connection instead, clients that keep unacknowledged messages would resend it forever.
  else packet.topic = REJECTED_TOPIC;
  callback(null);
}

/** Replaces aedes' fan-out of what clients publish, and of its own $SYS messages. */
function dropForeign(_packet: unknown, client: unknown, done?: unknown): void {
  const callback = typeof client === 'function' ? client : done;
  if (typeof callback === 'function') callback(null);
}

function checkPath(socketPath: string): void {
  if (Buffer.byteLength(socketPath) < MAX_SOCKET_PATH_BYTES) return;
  const what = `The hub's socket path ${socketPath} is longer than ${MAX_SOCKET_PATH_BYTES - 1} bytes.`;
  throw new MamError('bad_input', what, 'Set MAM_HOME to a folder with a shorter path.');
}

/**
 * Listens under a temporary name, then renames: nobody sees the socket before it is private and answers, a dead hub's
 * socket is replaced in one step, and Node cannot unlink a successor's socket when it closes ours.
 */
async function listen(server: Server, socketPath: string): Promise<number> {
  const folder = dirname(socketPath);
  const temporary = join(folder, `.${randomBytes(3).toString('hex')}`);
  try {
    // Sockets of hubs that were killed before the rename: only one hub at a time may listen here.
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isSocket() && TEMPORARY.test(entry.name)) await unlink(join(folder, entry.name));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(temporary, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', () => {});
    await chmod(temporary, 0o600);
    const { ino } = await stat(temporary);
    await rename(temporary, socketPath);
    return ino;
  } catch (error) {
    server.close();
    const what = `The hub's socket ${socketPath} cannot be made: ${(error as Error).message}.`;
    const remedy = 'Check that its folder exists and is yours, or set MAM_HOME.';
    throw new MamError('io', what, remedy, { cause: error });
  }
}
