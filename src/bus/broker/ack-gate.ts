import type { MqttClient } from 'mqtt';

/** How MQTT.js sends every packet. Private there; the tests of the external broker fail if it moves. */
interface Sender {
  _sendPacket(
    packet: { cmd: string; messageId?: number },
    callback?: (error?: Error) => void,
    ...rest: unknown[]
  ): void;
}

/**
 * Takes the PUBACKs of one MQTT.js client into our own hands. MQTT.js handles one message after the other when its
 * acknowledgement is delayed (`handleMessage`), which makes group commit impossible; here it goes on at once, and
 * the PUBACK leaves when `release` is called, in whatever order the messages are settled.
 * @param hold asked for each acknowledged message, before MQTT.js goes on: true to hold its PUBACK back
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
