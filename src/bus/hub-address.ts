import { readFileSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';
import type { Settings } from '../settings/config.ts';
import { presentSocketPath } from '../settings/hub-place.ts';
import { namesInWords } from '../settings/table.ts';
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

/**
 * The addresses of an external broker: of each node of its cluster.
 * @throws MamError `bad_input` if a certificate file can't be read, `refused` without encryption
 */
export function externalAddresses(broker: BrokerSettings): UrlAddress[] {
  checkEncrypted(broker);
  const { urls, username, password } = broker;
  const ca = pem(broker.ca, 'brokerCa', "the broker's certificate authority");
  const cert = pem(broker.cert, 'brokerCert', 'the client certificate');
  const key = pem(broker.key, 'brokerKey', 'the key of the client certificate');
  return urls.map((url) => ({ kind: 'url', url, username, password, ca, cert, key }));
}

function pem(
  path: string | undefined,
  field: 'brokerCa' | 'brokerCert' | 'brokerKey',
  what: string,
): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const title = `The certificate file ${path} cannot be read.`;
    const hint = `Set ${namesInWords(field)} to the PEM file of ${what}.`;
    throw new MamError('bad_input', title, hint, { cause: error });
  }
}
