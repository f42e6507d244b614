import { brokerAddress } from '../bus/hub-address.ts';
import type { Settings } from '../settings/config.ts';
import { checkHub, ensureHub } from './ensure-hub.ts';
import { Link } from './link.ts';

/**
 * A connection to the user's hub that starts one when none runs. Nothing happens before its first use.
 * @param start starts a hub
 */
export function openLink(settings: Settings, start = () => ensureHub(settings)): Link {
  return new Link({
    address: brokerAddress(settings),
    realm: settings.realm,
    host: settings.host,
    home: settings.home,
    path: settings.path,
    onUnreachable: start,
  });
}

/**
 * Makes sure that the hub is one for this broker and realm. Where none runs, the link itself finds out.
 * @throws MamError as `checkHub`
 */
export async function readyHub(settings: Settings): Promise<void> {
  checkHub(settings);
}
