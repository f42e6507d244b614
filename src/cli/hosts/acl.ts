import { natsFiles } from './acl-nats.ts';
import { rabbitmqFiles } from './acl-rabbitmq.ts';

/** The brokers whose permissions can prove which host sent a message. */
export const BROKERS = ['mosquitto', 'nats', 'rabbitmq'] as const;
export type BrokerKind = (typeof BROKERS)[number];

/** A configuration file of a broker. */
export interface BrokerFile {
  /** Where Debian's package of the broker looks for it. */
  file: string;
  text: string;
}

/**
 * The files that make a broker check who sends: each host is a user, and the user's name is a level of its topics.
 * What the reader must fill in is `PASSWORD-OF-<host>`.
 * @param realm the hosts' common realm
 * @param hosts the names of all hosts
 */
export function aclFor(broker: BrokerKind, realm: string, hosts: readonly string[]): BrokerFile[] {
  switch (broker) {
    case 'mosquitto':
      return mosquittoFiles(realm, hosts);
    case 'nats':
      return natsFiles(realm, hosts);
    case 'rabbitmq':
      return rabbitmqFiles(realm, hosts);
  }
}

/** Mosquitto has patterns with the user's name, so a new host needs a password only. */
function mosquittoFiles(realm: string, hosts: readonly string[]): BrokerFile[] {
  const topics = `mam/v1/${realm}/hosts`;
  return [
    {
      file: '/etc/mosquitto/conf.d/mam.conf',
      text: lines(
        'listener 8883',
        'certfile /etc/mosquitto/mam/server.pem',
        'keyfile /etc/mosquitto/mam/server.key',
        'allow_anonymous false',
        'acl_file /etc/mosquitto/mam/acl',
        '# Without this line every message takes 40 ms longer.',
        'set_tcp_nodelay true',
        '',
        '# One line per host: mosquitto_passwd -b /etc/mosquitto/mam/passwords HOST PASSWORD',
        'password_file /etc/mosquitto/mam/passwords',
        '# With client certificates instead, these three lines; the name in a certificate (CN) is the host.',
        '# cafile /etc/mosquitto/mam/ca.pem',
        '# require_certificate true',
        '# use_identity_as_username true',
      ),
    },
    {
      file: '/etc/mosquitto/mam/acl',
      text: lines(
        '# %u is the user, which is the host.',
        `pattern write ${topics}/+/in/%u/#`,
        `pattern read ${topics}/%u/in/#`,
        `pattern write ${topics}/%u/status`,
        `pattern read ${topics}/+/status`,
      ),
    },
    {
      file: '/etc/mosquitto/mam/passwords',
      text: lines(...hosts.map((host) => `${host}:PASSWORD-OF-${host}`)),
    },
  ];
}

/** A file's text. */
function lines(...all: string[]): string {
  return `${all.join('\n')}\n`;
}
