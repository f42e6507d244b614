import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MamError, systemCode } from '../base/errors.ts';
import { makeFolder } from '../base/folders.ts';
import { isJobId } from '../base/ids.ts';
import { parseJson } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { checkOwnFolder } from '../trust/owner.ts';
import { hasJob } from './paths.ts';

export type Home = ReturnType<typeof homePaths>;

/** The folders and files of `MAM_HOME`. */
export function homePaths(folder: string) {
  return {
    folder,
    outbox: join(folder, 'outbox'),
    spool: join(folder, 'spool'),
    servers: join(folder, 'servers'),
    clients: join(folder, 'clients'),
    live: join(folder, 'live'),
    /** What jobs need that are not handed over yet, such as their callers' environments. */
    held: join(folder, 'held'),
    /** Ended jobs whose record is still retained on a broker. */
    retained: join(folder, 'retained'),
    /** Our texts in panes that may not have been submitted. */
    panes: join(folder, 'panes'),
    /** Events that wait for the `on_event` command, and how it ended last. */
    onEvent: join(folder, 'on-event'),
    registries: join(folder, 'registries'),
    /** Which jobs were made in which registry. */
    known: join(folder, 'known'),
    lock: join(folder, 'hub'),
    /** Made by the process that starts a hub: only a hint, so that others do not start one as well. */
    starting: join(folder, 'hub.starting'),
    hubFile: join(folder, 'hub.json'),
    /** The key that proves that a journal line is ours. */
    key: join(folder, 'key'),
    log: join(folder, 'hub.log'),
  };
}

/**
 * Makes a private folder (0700), or checks that an existing one is this user's and that nobody else can write to it.
 * @throws MamError `refused` when it is not, `io` when it can't be made
 */
export function ensurePrivateFolder(folder: string): void {
  try {
    makeFolder(folder);
    checkOwnFolder(folder, 'Set MAM_HOME to a folder of your own that nobody else can write to (mode 700).');
  } catch (error) {
    if (error instanceof MamError) throw error;
    throw homeError(folder, error);
  }
}

/** The error for a home that can't be written. Its advice must lead to the hub that has the jobs. */
export function homeError(folder: string, error: unknown): MamError {
  return new MamError(
    'io',
    `The folder ${folder} cannot be written (${systemCode(error) ?? 'unknown error'}), so no hub can be started from here.`,
    'In a sandbox: allow writing to this folder, or start the hub from outside (`mam hub restart`). Otherwise set MAM_HOME to a writable folder, the same for everyone who shares the jobs: each MAM_HOME has its own hub.',
    { cause: error },
  );
}

/** The folders that every hub needs. */
export function foldersOf(home: Home): string[] {
  return [home.outbox, home.spool, home.servers, home.live, home.held, home.retained];
}

/** Makes the home and the folders in it. @throws MamError as `ensurePrivateFolder` */
export function ensureHome(home: Home): void {
  for (const folder of [home.folder, ...foldersOf(home)]) ensurePrivateFolder(folder);
}

/** True if the hub still has something to do for a job. @param folder `MAM_HOME` */
export function hasLiveJobs(folder: string): boolean {
  const { live } = homePaths(folder);
  return existsSync(live) && readdirSync(live).length > 0;
}

/** The fixed length of a pointer's second line, so that it can be overwritten in place. */
const NOTE_CHARS = 240;

/** Where a live job is. */
export interface Pointer {
  jobId: string;
  registryDir: string;
  /** What else a hub noted for the next one. */
  note?: unknown;
}

/**
 * Notes where a live job is, so that a new hub finds it. An existing note is overwritten in place and never truncated
 * first: a crash in between must not lose it.
 * @throws the system's error; then no new note was left
 */
export function writePointer(home: Home, { jobId, registryDir, note }: Pointer): void {
  const path = join(home.live, jobId);
  const text = `${lineOf(registryDir)}\n${JSON.stringify(note).padEnd(NOTE_CHARS)}\n`;
  const isThere = existsSync(path);
  try {
    writeFileSync(path, text, { mode: 0o600, flag: isThere ? 'r+' : 'w' });
  } catch (error) {
    // A full disk leaves an empty file.
    if (!isThere) rmSync(path, { force: true });
    throw error;
  }
}

/** The error of a running hub whose home can't be written now. */
export function noteError({ folder }: Home, error: unknown): MamError {
  return new MamError(
    'io',
    `MAM_HOME ${folder} cannot be written (${systemCode(error) ?? 'unknown error'}).`,
    'Free some space there or make it writable, then try again.',
    { cause: error },
  );
}

export function removePointer(home: Home, jobId: string): void {
  rmSync(join(home.live, jobId), { force: true });
}

/**
 * Every live job's id and registry. If a full disk or a power cut has emptied or cut a pointer, the known registries
 * are searched; `registryDir` is empty if none has the job.
 */
export function readPointers(home: Home): Pointer[] {
  const pointers: Pointer[] = [];
  for (const jobId of readdirSync(home.live)) {
    if (!isJobId(jobId)) continue;
    try {
      const text = readFileSync(join(home.live, jobId), 'utf8');
      const [, line, note = ''] = /^(["/].*)\n(.*)/.exec(text) ?? [];
      const noted = line === undefined ? undefined : placeIn(line);
      const registryDir = noted ?? readRegistries(home).find((dir) => hasJob(dir, jobId)) ?? '';
      pointers.push({ jobId, registryDir, note: parseJson(note) });
    } catch {
      // It was removed since it was listed.
    }
  }
  return pointers;
}

/** A path as one line of a file, whatever characters it contains. */
export function lineOf(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a folder's name may have them
  return /[\0-\x1f\x7f]/.test(path) ? JSON.stringify(path) : path;
}

/** The path in such a line; nothing if it is cut. */
function placeIn(line: string): string | undefined {
  const path = line.startsWith('"') ? parseJson(line) : line;
  return typeof path === 'string' && path !== '' ? path : undefined;
}

/** The registry of an ended job whose record is retained; nothing if that was not noted, or can't be read. */
export function retainedPlace({ retained }: Home, jobId: string): string | undefined {
  // Whoever names a job, no name leads to another folder.
  if (!isJobId(jobId)) return undefined;
  return orElse(() => placeIn(readFileSync(join(retained, jobId), 'utf8').replace(/\n$/, '')), undefined);
}

/** The registries that this home's hubs have written: a late report on an ended job looks for its job there. */
export function readRegistries(home: Home): string[] {
  const lines = orElse(() => readFileSync(home.registries, 'utf8'), '').split('\n');
  return [...new Set(lines.flatMap((line) => placeIn(line) ?? []))];
}

/** Notes a registry. @throws MamError `io` when the home can't be written */
export async function addRegistry(home: Home, registryDir: string): Promise<void> {
  try {
    // A full disk may have left the beginning of another line.
    await appendFile(home.registries, `\n${lineOf(registryDir)}\n`, { mode: 0o600 });
  } catch (error) {
    throw noteError(home, error);
  }
}
