import { Link } from '../bus/link.ts';
import type { Settings } from '../config.ts';
import { brokerAddress } from './address.ts';
import { checkHub, ensureHub } from './find.ts';

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
