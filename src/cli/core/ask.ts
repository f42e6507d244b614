import { openLink } from '../../link/client.ts';
import { checkHub } from '../../link/ensure-hub.ts';
import type { Link } from '../../link/link.ts';
import type { Settings } from '../../settings/config.ts';
import { commandSettings } from './settings.ts';

/** The settings of a command and its way to the hub, which is started when none runs. */
export interface Asking {
  settings: Settings;
  /** @throws MamError with the hub's own text */
  ask: Link['request'];
}

/** Does something with the hub and lets go of it. @param registryDir of `--registry-dir` */
export async function withHub<T>(
  registryDir: string | undefined,
  body: (asking: Asking) => Promise<T>,
): Promise<T> {
  const settings = await commandSettings(registryDir);
  checkHub(settings);
  const link = openLink(settings);
  try {
    return await body({
      settings,
      ask: (command, params, timeoutMs) => link.request(command, params, timeoutMs),
    });
  } finally {
    await link.close();
  }
}
