import { setTimeout as pauseOf } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { gateAcks } from './ack-gate.ts';

/** The first pause before a message that could not be settled is tried again, in ms. */
const AGAIN_MS = 300;
/** The longest one. */
const MAX_PAUSE_MS = 10_000;

/** What is to be done with a message before it is acknowledged. */
export interface HeldMessage {
  /** Messages with the same one are settled in the order of their arrival. Absent: at once. */
  turn?: string;
  /** Rejects if it must be tried again. */
  settle(): Promise<void>;
}

/**
 * Acknowledges each message of a client once it is settled, while further ones come in. One that can't be settled now is
 * tried again: to reconnect would make the broker deliver it anew, but would interrupt all the others each time. What a lost
 * connection drops is delivered on the next one.
 * @param take undefined for a message that is acknowledged at once
 */
export function holdMessages(
  client: MqttClient,
  take: (topic: string, payload: Buffer, packet: { qos: number; retain: boolean }) => HeldMessage | undefined,
): void {
  const held = new Set<number>();
  const release = gateAcks(client, (messageId) => held.has(messageId));
  const turns = new Map<string, Promise<void>>();
  const inTurn = (turn: string, work: () => Promise<void>): void => {
    const before = turns.get(turn);
    // Without the connection, the earlier ones come again, before this one.
    const mine = before === undefined ? work() : before.then(() => (client.connected ? work() : undefined));
    turns.set(turn, mine);
    void mine.then(() => turns.get(turn) === mine && turns.delete(turn));
  };
  client.on('message', (topic, payload, packet) => {
    const message = take(topic, payload, packet);
    if (message === undefined) return;
    const { qos, messageId } = packet;
    if (qos > 0 && messageId !== undefined) held.add(messageId);
    const settle = async (): Promise<void> => {
      if (!(await isSettled(client, message))) return;
      if (messageId !== undefined && held.delete(messageId)) release(messageId);
    };
    if (message.turn === undefined) void settle();
    else inTurn(message.turn, settle);
  });
}

/** @returns false once the connection is lost */
async function isSettled(client: MqttClient, message: HeldMessage): Promise<boolean> {
  for (let pause = AGAIN_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    try {
      await message.settle();
      return true;
    } catch {
      await pauseOf(pause, undefined, { ref: false });
      if (!client.connected) return false;
    }
  }
}
