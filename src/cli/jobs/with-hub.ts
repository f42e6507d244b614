import { openLink } from '../../link/client.ts';
import { checkHub } from '../../link/ensure-hub.ts';
import type { Link } from '../../link/link.ts';
import type { Settings } from '../../settings/config.ts';
import { commandSettings } from '../core/settings.ts';

/** Connects to the hub, which is started when none is running, and disconnects at the end. */
export async function withLink<T>(settings: Settings, body: (link: Link) => Promise<T>): Promise<T> {
  checkHub(settings);
  const link = openLink(settings);
  try {
    return await body(link);
  } finally {
    await link.close();
  }
}

/** The same for a command that only makes requests: it gets its settings as well. @throws with the hub's own text */
export async function withHub<T>(
  registryDir: string | undefined,
  body: (hub: { settings: Settings; ask: Link['request'] }) => Promise<T>,
): Promise<T> {
  const settings = await commandSettings(registryDir);
  return withLink(settings, (link) => body({ settings, ask: link.request.bind(link) }));
}
