import { loadSettings } from '../settings/config.ts';
import { announce } from './announce.ts';
import { identifyCaller } from './tool/caller.ts';
import type { Client } from './tool/tool.ts';

/**
 * What happens once the client is ready. Loads none of what calls need.
 * @returns what takes it back when the server ends
 */
export async function ready(client: Client): Promise<() => void> {
  const settings = await loadSettings();
  return announce(identifyCaller(settings, client, undefined), settings);
}
