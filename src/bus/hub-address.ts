import { readFileSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';
import type { Settings } from '../settings/config.ts';
import { presentSocketPath } from '../settings/hub-place.ts';
import { type BrokerAddress, checkEncrypted } from './address.ts';

/** Where a client of these settings finds its hub: always on its private socket, whatever broker the hub has joined. */
export function brokerAddress(settings: Settings): BrokerAddress {
  return {
    kind: 'socket',
    get path() {
      return presentSocketPath(settings);
    },
  };
}

/**
 * An external broker with its certificate authority read.
 * @throws MamError `bad_input` when that can't be read, `refused` where it has no encryption
 */
export function externalAddress({
  url,
  username,
  password,
  ca,
  plain,
}: BrokerSettings): BrokerAddress & { kind: 'url' } {
  if (plain !== true) checkEncrypted(url);
  return {
    kind: 'url',
    url,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca: readAuthority(ca) }),
  };
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new MamError(
      'bad_input',
      `The certificate file ${path} cannot be read.`,
      'Set MAM_BROKER_CA to the PEM file of the certificate authority of the broker.',
      { cause: error },
    );
  }
}
