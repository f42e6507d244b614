import type { BrokerAddress } from '../bus/address.ts';
import type { Settings } from '../config.ts';

/** Where a client of these settings finds its broker: the hub's private socket, or the external broker. */
export function brokerAddress({ broker, socketPath }: Settings): BrokerAddress {
  if (broker === undefined) return { kind: 'socket', path: socketPath };
  const { url, username, password, ca } = broker;
  return {
    kind: 'url',
    url,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca }),
  };
}
