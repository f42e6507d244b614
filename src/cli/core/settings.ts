import { statSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { loadSettings, type Settings } from '../../settings/config.ts';
import { note } from './output.ts';

let isReported = false;

/** The settings of a command. What is ignored in the project's file is reported, once. @throws as `loadSettings` */
export async function commandSettings(registryDir: string | undefined): Promise<Settings> {
  const settings = await loadSettings({ registryDir });
  const { ignored } = settings;
  if (ignored !== undefined && !isReported) note(`${ignored.what} ${ignored.person}`.trim());
  isReported = true;
  return settings;
}

/**
 * The same for a command that only reads files: without a home it would mistake every job for history.
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
