import type { BrokerFile } from './acl.ts';

/** RabbitMQ has the user's name as a variable in topic permissions, but lists who has them. */
export function rabbitmqFiles(realm: string, hosts: readonly string[]): BrokerFile[] {
  const topics = `mam.v1.${realm}.hosts`.replaceAll('.', '\\.');
  // What a client of MQTT needs: its own queues, and the exchange of all topics.
  const queues = '^mqtt-subscription-.*';
  const both = '^(amq\\.topic|mqtt-subscription-.*)$';
  const definitions = {
    vhosts: [{ name: '/' }],
    users: hosts.map((name) => ({ name, password: `PASSWORD-OF-${name}`, tags: '' })),
    permissions: hosts.map((user) => ({ user, vhost: '/', configure: queues, write: both, read: both })),
    topic_permissions: hosts.map((user) => ({
      user,
      vhost: '/',
      exchange: 'amq.topic',
      write: `^${topics}\\.([^.]+\\.in\\.{username}\\..+|{username}\\.status)$`,
      // Also a part of the own inbox: by that a hub finds out that its name is taken.
      read: `^${topics}\\.({username}\\.in\\..+|[^.]+\\.status)$`,
    })),
  };
  return [
    { file: '/etc/rabbitmq/enabled_plugins', text: '[rabbitmq_mqtt].\n' },
    {
      file: '/etc/rabbitmq/rabbitmq.conf',
      text: `# MQTT alone: over AMQP, a user could read the queues of others.
listeners.tcp = none
mqtt.listeners.tcp = none
mqtt.listeners.ssl.default = 8883
ssl_options.certfile = /etc/rabbitmq/server.pem
ssl_options.keyfile = /etc/rabbitmq/server.key
mqtt.allow_anonymous = false
load_definitions = /etc/rabbitmq/mam.json
`,
    },
    { file: '/etc/rabbitmq/mam.json', text: `${JSON.stringify(definitions, undefined, 2)}\n` },
  ];
}
