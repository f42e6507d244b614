import { lstatSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { hostname } from 'node:os';
import { lock } from 'proper-lockfile';
import { systemCode } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { identify, isAlive, isOurNamespace, type ProcessId } from '../base/process-id.ts';
import { commandLineOf } from '../base/processes.ts';
import { readObject, replaceOwn } from '../trust/files.ts';
import { homePaths } from './home.ts';

/** When a long-held lock counts as stale: proper-lockfile touches it at half this interval. */
const HELD_STALE_MS = 20_000;
/** An election takes a few ms, but proper-lockfile accepts no stale time below 2 s. */
const ELECTION_STALE_MS = 2_000;
/** How soon a hub that has taken its lock opens its socket, in ms; measured: 80 to 200. */
const SOCKET_MS = 3_000;
/** How long to wait for a hub's socket, in ms; it normally accepts a connection immediately. */
const CONNECT_TIMEOUT_MS = 1_000;

/** Who holds a lock: enough to tell a living owner from a dead one whose pid was reused. */
export interface Owner extends ProcessId {
  boot: string;
  /** Its machine's name: two running systems do not see each other's processes. */
  host?: string | undefined;
  /** A hub's socket, which it opens after it has taken its locks. */
  socket?: string | undefined;
  /** For people: what holds it. */
  what: string;
  /** When it was taken, in ms since 1970. */
  at: number;
}

export interface HeldLock {
  release(): Promise<void>;
  /** Stops the heartbeat of a lock that was moved together with what it locks. */
  leave(): Promise<void>;
  /** False once its owner file was removed or replaced: then another process may have taken it. */
  holds(): boolean;
}

/** Stops this process's heartbeats, by locked path: a lock that was lost and taken again would have two. */
const heartbeats = new Map<string, () => Promise<void>>();

/**
 * Takes a lock that its owner keeps for its lifetime. The owner is written to `<path>.owner`, so that a dead one is
 * replaced immediately; proper-lockfile alone would block for its stale time, and its takeover of a stale lock races
 * (several winners were measured). Here every lock is taken under a short election lock.
 * @param path what to lock; `<path>.lock`, `<path>.owner` and `<path>.election` are next to it
 * @param onLost called when the lock was lost (a long sleep of the machine): stop writing
 * @param tries how often to retry while another process holds the election, some 40 ms apart
 * @returns the lock, or the living owner that holds it
 */
export async function takeLock(
  path: string,
  me: Owner,
  onLost: (error: Error) => void,
  tries = 200,
): Promise<HeldLock | { heldBy: Owner }> {
  removeForeign(`${path}.election`);
  // A separate name: proper-lockfile keys its locks by name, and would forget the one taken under the election.
  const election = await lock(`${path}.election`, {
    realpath: false,
    lockfilePath: `${path}.election`,
    stale: ELECTION_STALE_MS,
    // Random delays, because processes with equal ones keep colliding.
    retries: { retries: tries, minTimeout: 5, maxTimeout: 40, randomize: true },
    onCompromised: () => {},
  });
  try {
    const owner = livingOwner(path);
    const isHeld = owner !== undefined && mayBeHub(owner) && !isSame(owner, me) && !(await isDeserted(owner));
    if (isHeld) return { heldBy: owner };
    await heartbeats
      .get(path)?.()
      .catch(() => {});
    rmSync(`${path}.lock`, { recursive: true, force: true });
    const release = await lock(path, {
      realpath: false,
      lockfilePath: `${path}.lock`,
      stale: HELD_STALE_MS,
      onCompromised: onLost,
    });
    try {
      replaceOwn(`${path}.owner`, JSON.stringify(me));
    } catch (error) {
      await release().catch(() => {});
      throw error;
    }
    heartbeats.set(path, release);
    const mine = statSync(`${path}.owner`);
    return {
      leave: async () => {
        if (heartbeats.get(path) === release) heartbeats.delete(path);
        await release().catch(() => {});
      },
      holds: () => {
        const there = orElse(() => statSync(`${path}.owner`), undefined);
        // The time is compared as well, because a freed inode is reused immediately.
        return there?.ino === mine.ino && there.mtimeMs === mine.mtimeMs;
      },
      release: async () => {
        // A successor may have removed the folder and made it again.
        const owner = readOwner(path);
        if (owner === undefined || !isSame(owner, me) || owner.at !== me.at) return;
        rmSync(`${path}.owner`, { force: true });
        heartbeats.delete(path);
        await release().catch(() => {});
      },
    };
  } finally {
    await election().catch(() => {});
  }
}

/** Removes anything at the election's path that is not one: an election is an empty folder that was just made. */
function removeForeign(election: string): void {
  const stat = lstatSync(election, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const isFuture = stat.mtimeMs > Date.now() + ELECTION_STALE_MS;
  if (!stat.isDirectory() || isFuture || readdirSync(election).length > 0)
    rmSync(election, { recursive: true, force: true });
}

/** The owner noted next to a lock, living or dead. */
export function readOwner(path: string): Owner | undefined {
  const owner = readObject(`${path}.owner`);
  const { pid, start, boot, what, at } = owner;
  const isOwner =
    Number.isSafeInteger(pid) &&
    Number.isFinite(at) &&
    [start, boot, what].every((word) => typeof word === 'string');
  return isOwner ? (owner as unknown as Owner) : undefined;
}

/** The same if it is alive, as far as can be seen from here. */
export function livingOwner(path: string): Owner | undefined {
  const owner = readOwner(path);
  if (owner === undefined) return undefined;
  const lives = isSeen(owner) ? isLiving(owner) : beats(path);
  return lives ? owner : undefined;
}

/** False for a living process that is not a hub: whoever can write the owner's file can name any process. */
function mayBeHub(owner: Owner): boolean {
  return !isSeen(owner) || (commandLineOf(owner.pid)?.includes('hub-process') ?? true);
}

function isSame(one: Owner, other: Owner): boolean {
  return one.pid === other.pid && one.ns === other.ns && one.boot === other.boot;
}

/** This process as an owner. @param what for people, such as the hub's folder @param socket of a hub */
export function thisOwner(what: string, socket?: string): Owner {
  const me = { ...identify(process.pid), boot: bootId(), host: hostname(), what, at: Date.now() };
  return socket === undefined ? me : { ...me, socket };
}

/** True while the process that took the lock is seen to be alive. */
export function isLiving(owner: Owner): boolean {
  return owner.boot === bootId() && (owner.start === '' ? isAlive(identify(owner.pid)) : isAlive(owner));
}

/**
 * False for an owner in another pid namespace (a container) or on another machine that shares the folder: not seeing
 * its process proves nothing. An owner from an earlier boot of this machine is known to be gone.
 */
function isSeen({ ns, boot, host }: Owner): boolean {
  return boot === bootId() ? isOurNamespace(ns) : host === undefined || host === hostname();
}

/** True while the lock's holder keeps it fresh. */
function beats(path: string): boolean {
  const held = lstatSync(`${path}.lock`, { throwIfNoEntry: false });
  return held !== undefined && Math.abs(Date.now() - held.mtimeMs) < HELD_STALE_MS;
}

/**
 * True for a hub that can't be seen but has ended: another hub has taken its home, or its socket is here and refuses
 * connections.
 */
async function isDeserted(owner: Owner): Promise<boolean> {
  if (isSeen(owner)) return false;
  const hub = readOwner(homePaths(owner.what).lock);
  if (hub !== undefined && !isSame(hub, owner)) return true;
  const { socket, at } = hub ?? owner;
  if (socket === undefined || Math.abs(Date.now() - at) < SOCKET_MS) return false;
  const connection = createConnection(socket);
  return new Promise<boolean>((resolve) => {
    connection.once('connect', () => resolve(false));
    connection.once('error', (error) => resolve(systemCode(error) === 'ECONNREFUSED'));
    connection.once('close', () => resolve(false));
    connection.setTimeout(CONNECT_TIMEOUT_MS, () => resolve(false));
  }).finally(() => connection.destroy());
}

let boot: string | undefined;

/** The id of the machine's current boot; empty if the system does not say. */
export function bootId(): string {
  boot ??= orElse(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), undefined);
  return boot ?? '';
}
