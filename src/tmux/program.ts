import { findProgram } from '../base/find-program.ts';
import { ownPath } from '../settings/environment.ts';

/** Where tmux stands on the systems that have it, for a hub and callers whose PATH is bare, as that of a service is. */
const USUAL =
  '/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin:/opt/local/bin:/home/linuxbrew/.linuxbrew/bin:/run/current-system/sw/bin:/usr/pkg/bin:/snap/bin';
/** So many callers' PATHs are kept. */
const KEPT = 8;

/** The PATHs of who has asked for something, the last one first. */
let told: string[] = [];

/** A caller has this PATH: its tmux is the one that its servers run with, whoever started this process. */
export function tellPath(path: string): void {
  if (told[0] !== path) told = [path, ...told.filter((one) => one !== path)].slice(0, KEPT);
}

/** Every tmux that is there, the callers' first. */
export function tmuxPrograms(): string[] {
  const found = [...told, ownPath(), USUAL].flatMap((path) => findEach(path));
  return [...new Set(found)];
}

/** The first of them; the bare name where there is none. */
export function tmuxProgram(): string {
  return tmuxPrograms()[0] ?? 'tmux';
}

/** A PATH on which a client of tmux finds a shell: the server runs with the client's what belongs to that. */
export function clientPath(): string {
  return [ownPath(), USUAL].filter((path) => path !== '').join(':');
}

function findEach(path: string): string[] {
  return path.split(':').flatMap((folder) => findProgram('tmux', folder) ?? []);
}
