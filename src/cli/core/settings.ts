import { statSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { loadSettings, type Settings } from '../../settings/config.ts';
import { note } from './output.ts';

let told = false;

/**
 * The settings of a command. What the project's file asks for and does not get is said on stderr, once.
 * @param registryDir of `--registry-dir`
 * @throws MamError as `loadSettings`
 */
export async function commandSettings(registryDir: string | undefined): Promise<Settings> {
  const settings = await loadSettings({ registryDir });
  const { ignored } = settings;
  if (ignored !== undefined && !told) note(`${ignored.what} ${ignored.person}`.trim());
  told = true;
  return settings;
}

/**
 * The same for a command that only reads files: without its home it would take every job for history.
 * @throws MamError as `loadSettings`, `refused` if MAM_HOME is not a folder
 */
export async function readingSettings(registryDir: string | undefined): Promise<Settings> {
  const settings = await commandSettings(registryDir);
  if (statSync(settings.home, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new MamError(
      'refused',
      `${settings.home} is not a folder.`,
      'Move it away, or set MAM_HOME to another folder.',
    );
  return settings;
}
