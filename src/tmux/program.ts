import { findProgram } from '../base/find-program.ts';
import { ownPath } from '../settings/environment.ts';

/** Where tmux usually is, for a hub and callers with a minimal PATH, such as a service's. */
const USUAL =
  '/usr/local/bin:/opt/homebrew/bin:/usr/bin:/bin:/opt/local/bin:/home/linuxbrew/.linuxbrew/bin:/run/current-system/sw/bin:/usr/pkg/bin:/snap/bin';
/** The PATHs of the last few callers, the latest first. */
const KEPT = 8;
let paths: string[] = [];

/** Notes a caller's PATH: its servers run with the tmux on it, no matter who started this process. */
export function notePath(path: string): void {
  if (paths[0] !== path) paths = [path, ...paths.filter((one) => one !== path)].slice(0, KEPT);
}

/** Every tmux program found, the callers' first. */
export function tmuxPrograms(): string[] {
  const folders = [...paths, ownPath(), USUAL].flatMap((path) => path.split(':'));
  return [...new Set(folders.flatMap((folder) => findProgram('tmux', folder) ?? []))];
}

/** The first tmux program found, or the bare name. */
export function tmuxProgram(): string {
  return tmuxPrograms()[0] ?? 'tmux';
}

/** A PATH with a shell on it, for a tmux client: the server runs the client's commands with it. */
export function clientPath(): string {
  return [ownPath(), USUAL].filter((path) => path !== '').join(':');
}
