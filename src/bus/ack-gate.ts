import type { MqttClient } from 'mqtt';

/** How MQTT.js sends every packet. Private there; the tests of the external broker fail if it changes. */
interface Sender {
  _sendPacket(
    packet: { cmd: string; messageId?: number },
    callback?: (error?: Error) => void,
    ...rest: unknown[]
  ): void;
}

/**
 * Takes control of one MQTT.js client's PUBACKs. When an acknowledgement is delayed (`handleMessage`), MQTT.js handles
 * messages one at a time, which makes group commit impossible. Here it continues immediately, and the PUBACK is sent
 * when `release` is called, in whatever order the messages are settled.
 * @param hold called for each acknowledged message, before MQTT.js continues; true holds its PUBACK back
 * @returns `release(messageId)`, which sends a held PUBACK
 */
export function gateAcks(
  client: MqttClient,
  hold: (messageId: number) => boolean,
): (messageId: number) => void {
  const sender = client as unknown as Sender;
  const send = sender._sendPacket.bind(client);
  sender._sendPacket = (packet, callback, ...rest) => {
    if (packet.cmd === 'puback' && packet.messageId !== undefined && hold(packet.messageId)) callback?.();
    else send(packet, callback, ...rest);
  };
  return (messageId) => {
    if (client.connected) send({ cmd: 'puback', messageId });
  };
}
