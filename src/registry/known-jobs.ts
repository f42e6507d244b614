import { closeSync, constants, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, namesIn } from '../base/folders.ts';
import { sha256 } from '../base/sha256.ts';
import { replaceOwn } from '../trust/files.ts';
import type { Home, Pointer } from './home.ts';
import { hasJob, inodeAt } from './paths.ts';

const { O_WRONLY, O_APPEND } = constants;

/** What a home knows about a registry without reading it. */
interface KnownRegistry {
  registryDir: string;
  /** For each job, the inode of the registry folder that it was in. */
  jobs: Map<string, number>;
}

/**
 * Notes a new job. If a registry's jobs were never noted, that stays so: an incomplete note would mislead.
 * @param inode of the registry's folder
 */
export function noteJob(home: Home, registryDir: string, jobId: string, inode: number): void {
  const path = pathOf(home, registryDir);
  try {
    const file = openSync(path, O_WRONLY | O_APPEND);
    try {
      writeSync(file, `${inode} ${jobId}\n`);
    } finally {
      closeSync(file);
    }
  } catch {
    rmSync(path, { force: true, recursive: true });
  }
}

/**
 * Notes all jobs that are in a registry now, in addition to those that were in another folder of that name.
 * @param inode of the registry's folder
 */
export function noteJobs(home: Home, registryDir: string, jobIds: string[], inode: number): void {
  const known = knownRegistry(home, registryDir);
  const here = new Set(jobIds);
  const before = [...(known?.jobs ?? [])];
  const elsewhere = before.filter(([id, at]) => at !== inode && !here.has(id));
  const isSame =
    before.length - elsewhere.length === here.size && jobIds.every((id) => known?.jobs.get(id) === inode);
  if (known !== undefined && isSame) return;
  write(home, registryDir, new Map([...elsewhere, ...jobIds.map((id) => [id, inode] as const)]));
}

/**
 * Notes that a registry was moved: its jobs are in the new place, and none is left in the old one, where otherwise any
 * job might be.
 */
export function moveNotes(home: Home, from: string, to: string): void {
  const before = knownRegistry(home, from)?.jobs ?? new Map<string, number>();
  const inode = inodeAt(to);
  if (inode === undefined) return;
  const isMoved = ([id, at]: [string, number]): boolean => at === inode || hasJob(to, id);
  const moved = [...before].filter(isMoved).map(([id]) => [id, inode] as const);
  const isWhole = [...before.values()].includes(inode);
  // For a copy that was never noted, these may be only a part of its jobs.
  const there = knownRegistry(home, to)?.jobs ?? (isWhole ? [] : undefined);
  if (there !== undefined && moved.length > 0) write(home, to, new Map([...there, ...moved]));
  write(home, from, new Map([...before].filter((one) => !isMoved(one))));
}

/** Forgets a job that was given up, so that nothing waits for it any more. */
export function forgetJob(home: Home, registryDir: string, jobId: string): void {
  const jobs = knownRegistry(home, registryDir)?.jobs;
  if (jobs?.delete(jobId) === true) write(home, registryDir, jobs);
}

/** What is noted about a registry; nothing if it was never noted, or if the note was lost. */
export function knownRegistry(home: Home, registryDir: string): KnownRegistry | undefined {
  const known = read(pathOf(home, registryDir));
  return known?.registryDir === registryDir ? known : undefined;
}

/** Where a job was according to the notes: one pointer per registry. */
export function placesOf(home: Home, jobId: string): Pointer[] {
  return namesIn(home.known).flatMap((name) => {
    const { registryDir = '', jobs } = read(join(home.known, name)) ?? {};
    const inode = jobs?.get(jobId);
    return inode === undefined ? [] : [{ jobId, registryDir, note: { inode } }];
  });
}

function write(home: Home, registryDir: string, jobs: ReadonlyMap<string, number>): void {
  const lines = [...jobs].map(([id, at]) => `${at} ${id}\n`);
  try {
    makeFolder(home.known);
    replaceOwn(pathOf(home, registryDir), `${registryDir}\n${lines.join('')}`);
  } catch {
    // Without the note, a missing registry may have any job.
  }
}

function read(path: string): KnownRegistry | undefined {
  try {
    const [registryDir = '', ...lines] = readFileSync(path, 'utf8').split('\n');
    const jobs = new Map<string, number>();
    for (const line of lines) {
      const [inode, id] = line.split(' ');
      if (id !== undefined) jobs.set(id, Number(inode));
    }
    return { registryDir, jobs };
  } catch {
    return undefined;
  }
}

function pathOf(home: Home, registryDir: string): string {
  return join(home.known, sha256(registryDir).slice(0, 32));
}
