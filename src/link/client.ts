import { brokerAddress } from '../bus/hub-address.ts';
import type { Settings } from '../settings/config.ts';
import { ensureHub } from './ensure-hub.ts';
import { Link } from './link.ts';

/** A connection to the user's hub that starts the hub if none is running. Nothing happens before its first use. */
export function openLink(settings: Settings, start = () => ensureHub(settings)): Link {
  const { realm, host, home, path } = settings;
  return new Link({ address: brokerAddress(settings), realm, host, home, path, onUnreachable: start });
}
