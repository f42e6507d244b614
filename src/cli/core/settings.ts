import { loadSettings, type Settings } from '../../config.ts';
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
