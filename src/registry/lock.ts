import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { lock } from 'proper-lockfile';
import { commandLineOf, startOf } from '../processes.ts';
import { readForeign, replaceOwn } from '../trust/files.ts';

/** The heartbeat of a lock that is held for long: proper-lockfile touches it every half of this. */
const HELD_STALE_MS = 20_000;
/** An election takes a few ms; proper-lockfile takes no shorter time than 2 s for a holder that died in it. */
const ELECTION_STALE_MS = 2_000;

/** Who holds a lock: enough to tell a living owner from a dead one whose pid was given to somebody else. */
export interface Owner {
  pid: number;
  /** Start time of the process, as the system counts it. */
  start: string;
  boot: string;
  /** For people: what holds it. */
  what: string;
  /** When it was taken, in ms since 1970. */
  at: number;
}

export interface HeldLock {
  release(): Promise<void>;
}

/**
 * Takes a lock that its owner keeps for its lifetime. The owner stands beside it in `<path>.owner`, so that a dead
 * one is replaced at once; proper-lockfile alone would block for its stale time, and its takeover of a stale lock
 * races (several winners were measured). Here every taking happens under a short election lock.
 * @param path what to lock; `<path>.lock`, `<path>.owner` and `<path>.election` stand beside it
 * @param onLost called when the lock was lost (a long sleep of the machine): stop writing
 * @param tries how often an election that is held is tried again, some 40 ms apart
 * @returns the lock, or the living owner that has it
 */
export async function takeLock(
  path: string,
  me: Owner,
  onLost: (error: Error) => void,
  tries = 200,
): Promise<HeldLock | { heldBy: Owner }> {
  removeForeign(`${path}.election`);
  // A name of its own: proper-lockfile keeps its locks by this name, and would forget the one taken under the election.
  const election = await lock(`${path}.election`, {
    realpath: false,
    lockfilePath: `${path}.election`,
    stale: ELECTION_STALE_MS,
    // Random waits, because equal ones keep losing against each other.
    retries: { retries: tries, minTimeout: 5, maxTimeout: 40, randomize: true },
    onCompromised: () => {},
  });
  try {
    const owner = readOwner(path);
    if (owner !== undefined && isLiving(owner) && mayBeHub(owner) && owner.pid !== me.pid)
      return { heldBy: owner };
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
    return {
      release: async () => {
        // The folder may have been removed and made again by a successor.
        const owner = readOwner(path);
        if (owner?.pid !== me.pid || owner.at !== me.at) return;
        rmSync(`${path}.owner`, { force: true });
        await release().catch(() => {});
      },
    };
  } finally {
    await election().catch(() => {});
  }
}

/** Removes what stands in the place of an election and is none: that is an empty folder, made a moment ago. */
function removeForeign(election: string): void {
  const stat = lstatSync(election, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const isFuture = stat.mtimeMs > Date.now() + ELECTION_STALE_MS;
  if (!stat.isDirectory() || isFuture || readdirSync(election).length > 0)
    rmSync(election, { recursive: true, force: true });
}

/** The owner written beside a lock, living or dead. */
export function readOwner(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readForeign(`${path}.owner`)) as Record<keyof Owner, unknown> | null;
    const { pid, start, boot, what, at } = owner ?? {};
    const isOwner =
      Number.isSafeInteger(pid) &&
      Number.isFinite(at) &&
      [start, boot, what].every((word) => typeof word === 'string');
    return isOwner ? (owner as unknown as Owner) : undefined;
  } catch {
    // None, or something that no hub has written.
    return undefined;
  }
}

/** False for a living process that is not a hub: whoever can write the owner's file can name any process. */
function mayBeHub({ pid }: Owner): boolean {
  return commandLineOf(pid)?.includes('hub-process') ?? true;
}

/** This process as an owner. @param what for people, such as the hub's folder */
export function thisOwner(what: string): Owner {
  return { pid: process.pid, start: startOf(process.pid) ?? '', boot: bootId(), what, at: Date.now() };
}

/** True while the very process that took the lock lives. */
export function isLiving(owner: Owner): boolean {
  if (owner.boot !== bootId()) return false;
  const start = startOf(owner.pid);
  return start !== undefined && (owner.start === '' || start === owner.start);
}

/** Which start of the machine this is. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
