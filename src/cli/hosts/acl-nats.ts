import type { BrokerFile } from './acl.ts';

/** NATS has no variables in permissions: each host has its own. A level of a topic is a token of a subject. */
export function natsFiles(realm: string, hosts: readonly string[]): BrokerFile[] {
  const text = `server_name: mam
# For NATS's own clients, of which there are none.
listen: "127.0.0.1:4222"
# MQTT keeps what is retained in here.
jetstream { store_dir: "/var/lib/nats" }
mqtt {
  port: 8883
  tls { cert_file: "/etc/nats/server.pem", key_file: "/etc/nats/server.key" }
}
authorization {
  users: [
${hosts.map((host) => user(realm, host)).join('')}  ]
}
`;
  return [{ file: '/etc/nats-server.conf', text }];
}

function user(realm: string, host: string): string {
  const subjects = `mam.v1.${realm}.hosts`;
  const list = (...all: string[]) => all.map((one) => `"${one}"`).join(', ');
  // MQTT's `in/#` is both `in` and `in.>`; at QoS 1, the broker delivers by `$MQTT.sub`.
  const heard = [`${subjects}.${host}.in`, `${subjects}.${host}.in.>`, `${subjects}.*.status`, '$MQTT.sub.>'];
  return `    { user: "${host}", password: "PASSWORD-OF-${host}", permissions: {
      publish: [${list(`${subjects}.*.in.${host}.>`, `${subjects}.${host}.status`)}]
      subscribe: [${list(...heard)}]
    } }
`;
}
