import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { nearestThere } from '../base/real-place.ts';
import { inodeOf } from './away.ts';
import type { Pointer } from './home.ts';
import { hasJob, inodeAt, projectFolderOf } from './paths.ts';

/** Folders with more entries are not searched every second; a request may name the new place instead. */
const SEARCHED = 1_000;

/** By missing registry: the state of the folder above it when it was last searched in vain. */
const searched = new Map<string, string>();

/**
 * Finds a registry whose project, or a folder above it, was renamed, by the inode of its folder. A registry that was
 * moved aside within its project is not searched for: it is away until it is put back.
 * @param inode of its folder
 */
export function renamedTo(registryDir: string, inode: number): string | undefined {
  const project = projectFolderOf(registryDir);
  // Another project may have taken its name by now.
  const above = nearestThere(dirname(project));
  const below = relative(above, registryDir).split(sep).slice(1);
  try {
    const state = `${above} ${statSync(above).mtimeMs}`;
    if (searched.get(registryDir) === state) return undefined;
    const names = readdirSync(above);
    const there = names.length > SEARCHED ? [] : names.map((name) => join(above, name, ...below));
    const found = there.find((dir) => inodeAt(dir) === inode);
    if (found === undefined) searched.set(registryDir, state);
    else searched.delete(registryDir);
    return found;
  } catch {
    return undefined;
  }
}

/**
 * True if a live job's registry is now in this folder: it has the same inode, or it has the job while the job's old
 * project is gone from a mounted disk.
 */
export function isMovedTo(pointer: Pointer, dir: string): boolean {
  if (!hasJob(dir, pointer.jobId)) return false;
  return inodeOf(pointer) === inodeAt(dir) || isGone(pointer);
}

/** True if a job's project is gone from a mounted disk, or if its place is unknown. */
function isGone({ registryDir, note }: Pointer): boolean {
  if (registryDir === '') return true;
  const project = projectFolderOf(registryDir);
  const { dev } = (note ?? {}) as { dev?: unknown };
  return !existsSync(project) && statSync(nearestThere(project)).dev === dev;
}
