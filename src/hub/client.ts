import { Link } from '../bus/link.ts';
import type { Settings } from '../config.ts';
import { brokerAddress } from './address.ts';
import { checkHub, ensureHub } from './find.ts';

/** A connection to the user's hub that starts one when none runs. Nothing happens before its first use. */
export function openLink(settings: Settings): Link {
  return new Link({
    address: brokerAddress(settings),
    realm: settings.realm,
    host: settings.host,
    home: settings.home,
    onUnreachable: () => ensureHub(settings),
  });
}

/**
 * Makes sure that a hub is there for a request, and that it is one for this broker and realm.
 * @throws MamError as `ensureHub` and `checkHub`
 */
export async function readyHub(settings: Settings): Promise<void> {
  // Over the private socket the link itself finds out that none runs; over a broker only this can.
  if (settings.broker !== undefined) await ensureHub(settings);
  checkHub(settings);
}
