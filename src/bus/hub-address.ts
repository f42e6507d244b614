import { readFileSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';
import type { Settings } from '../settings/config.ts';
import { presentSocketPath } from '../settings/hub-place.ts';
import { type BrokerAddress, checkEncrypted, type UrlAddress } from './address.ts';

/** Where a client with these settings finds its hub: always on its private socket, even with an external broker. */
export function brokerAddress(settings: Settings): BrokerAddress {
  return {
    kind: 'socket',
    get path() {
      return presentSocketPath(settings);
    },
  };
}

/** An external broker's address. @throws MamError `bad_input` if its CA can't be read, `refused` without encryption */
export function externalAddress({ url, username, password, ca, plain }: BrokerSettings): UrlAddress {
  if (plain !== true) checkEncrypted(url);
  return { kind: 'url', url, username, password, ca: ca && readAuthority(ca) };
}

function readAuthority(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const what = `The certificate file ${path} cannot be read.`;
    const remedy = "Set MAM_BROKER_CA to the PEM file of the broker's certificate authority.";
    throw new MamError('bad_input', what, remedy, { cause: error });
  }
}
