import { existsSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MamError } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import type { Settings } from './config.ts';
import { peerEnvironment, sessionEnvironment } from './environment.ts';

/** How a peer calls the command line: `mam` if that is on the PATH, else this program by its full path. */
function mamCommand(settings: Settings): string {
  for (const folder of (settings.path ?? '').split(delimiter)) {
    if (isAbsolute(folder) && existsSync(join(folder, 'mam'))) return 'mam';
  }
  return `node ${shellWord(programPath())}`;
}

/** The settings of a process that makes requests, and how an agent can call this program. */
export interface AskerSettings extends Settings {
  mamCommand: string;
  /** For a new session: this command line, our settings and the caller's environment. */
  launch: { mam: string[]; server_env: Record<string, string>; env: Record<string, string> };
}

export function askerSettings(settings: Settings): AskerSettings {
  const server_env = peerEnvironment(settings);
  const launch = { mam: [process.execPath, programPath()], server_env, env: sessionEnvironment() };
  return { ...settings, mamCommand: mamCommand(settings), launch };
}

/** Absolute path of the bundle's `main.js`. */
export function programPath(): string {
  const here = fileURLToPath(import.meta.url);
  // The bundle's parts are next to or below its main.js; from the source (tests of single files) the bundle is in dist.
  for (let folder = dirname(here); ; folder = dirname(folder)) {
    const candidates = [join(folder, 'main.js'), join(folder, 'dist', 'main.js')];
    const found = candidates.find((candidate) => existsSync(candidate));
    if (found !== undefined) return found;
    if (folder === dirname(folder))
      throw new MamError('internal', 'The built program was not found.', 'Run npm run build.');
  }
}
