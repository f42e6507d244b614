import { connect, type Socket } from 'node:net';
import { MamError } from '../base/errors.ts';
import { parseObject } from '../base/json.ts';
import { type BrokerAddress, unreachable } from '../bus/address.ts';
import { claimTopic, replyTopic, requestTopic } from '../bus/topics.ts';
import {
  type Credentials,
  connectFrame,
  packetReader,
  publishFrame,
  subscribeFrame,
  type WirePacket,
} from '../bus/wire.ts';
import type { Claim } from '../job/claim.ts';
import type { ClaimReply } from '../job/event.ts';
import { LIMITS } from '../job/limits.ts';
import { type Command, type Commands, PROTOCOL_VERSION, type Reply } from '../operations/request.ts';
import { checkHubSocket } from '../trust/socket.ts';
import { asMamError } from './reply-error.ts';

export interface OneShotOptions {
  address: BrokerAddress;
  realm: string;
  timeoutMs: number;
}

/** How long to wait for the hub that has the job after another hub has answered, in ms. */
const OTHER_HUBS_MS = 300;
const DEFAULT_PORT = 1883;
const KEEPALIVE_S = 60;

/**
 * Publishes one claim and returns the hub's answer, without loading MQTT.js: for short-lived processes.
 * @returns undefined if the address needs TLS or WebSockets: use `Link`
 * @throws MamError `unreachable` when there was no connection, `unavailable` when no answer came within `timeoutMs`
 * (the hub may still have it: keep the claim in the outbox), `bad_input` when it is too long
 */
export async function publishOnce(
  options: OneShotOptions & { claim: Claim },
): Promise<ClaimReply | undefined> {
  const { realm, claim } = options;
  const isAnswer = (answer: Answer): boolean => answer['event_id'] === claim.event_id;
  return exchange<ClaimReply>(options, claimTopic(realm, claim.job_id), claim, isAnswer);
}

/** Sends one request to the hub of `host`, as `publishOnce` does. @throws MamError also for the hub's own refusal */
export async function requestOnce<C extends Command>(
  options: OneShotOptions & {
    host: string;
    command: C;
    params: Commands[C]['params'];
    /** The caller's PATH, as in `LinkOptions`. */
    path?: string | undefined;
  },
): Promise<Commands[C]['result'] | undefined> {
  const { realm, host, command, params, path } = options;
  const request = { request_id: uniqueId(), protocol: PROTOCOL_VERSION, command, params, path };
  const isAnswer = (answer: Answer): boolean => answer['request_id'] === request.request_id;
  const reply = await exchange<Reply<C>>(options, requestTopic(realm, host), request, isAnswer);
  if (reply?.error !== undefined) throw asMamError(reply.error);
  return reply?.result;
}

type Answer = Record<string, unknown>;

function exchange<T>(
  { address, realm, timeoutMs }: OneShotOptions,
  topic: string,
  message: object,
  isAnswer: (answer: Answer) => boolean,
): Promise<T | undefined> {
  if (address.kind === 'url' && !/^(mqtt|tcp):/.test(address.url)) return Promise.resolve(undefined);
  const clientId = uniqueId();
  const replyTo = replyTopic(realm, clientId);
  const text = JSON.stringify({ ...message, reply_to: replyTo });
  if (Buffer.byteLength(text) > LIMITS.payloadBytes) {
    const what = `The message is longer than ${LIMITS.payloadBytes} bytes.`;
    throw new MamError('bad_input', what, 'Shorten it.');
  }
  return new Promise<T>((resolve, reject) => {
    const socket = open(address);
    let connected = false;
    const done = (finish: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      finish();
    };
    const fail = (error: Error): void => done(() => reject(error));
    const timer = setTimeout(() => {
      const what = `The hub did not answer within ${timeoutMs / 1000} s.`;
      if (connected) fail(new MamError('unavailable', what, 'Run `mam doctor`, then try again.'));
      else fail(unreachable(address, new Error('connack timeout')));
    }, timeoutMs);
    const read = packetReader();
    const take = (packet: WirePacket): void => {
      if (packet.cmd === 'connack') {
        connected = packet.code === 0;
        if (!connected) fail(unreachable(address, { code: packet.code }));
      } else if (packet.cmd === 'publish') {
        const answer = parseObject(packet.payload.toString());
        if (!isAnswer(answer)) return;
        const finish = (): void => done(() => resolve(answer as T));
        // On a shared broker every hub answers, and the one with the job may be slower.
        if (answer['unknown'] === true && address.kind === 'url') setTimeout(finish, OTHER_HUBS_MS);
        else finish();
      }
    };
    socket.on('data', (chunk: Buffer) => read(chunk).forEach(take));
    socket.on('error', (error) => fail(unreachable(address, error)));
    socket.on('close', () => fail(unreachable(address, new Error('connection closed'))));
    // All in one write: the broker handles them in this order, so the answer reaches us.
    const hello = connectFrame(clientId, KEEPALIVE_S, credentialsOf(address));
    socket.write(Buffer.concat([hello, subscribeFrame(1, replyTo), publishFrame(2, topic, text)]));
  });
}

/** Unique, not secret: a secret would need node:crypto, which takes time to load. */
function uniqueId(): string {
  return `once-${process.pid}-${process.hrtime.bigint()}-${Math.random().toString(36).slice(2)}`;
}

function open(address: BrokerAddress): Socket {
  if (address.kind === 'socket') {
    checkHubSocket(address.path);
    return connect(address.path);
  }
  const { hostname, port } = new URL(address.url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return connect({ host, port: port === '' ? DEFAULT_PORT : Number(port), noDelay: true });
}

function credentialsOf(address: BrokerAddress): Credentials {
  if (address.kind === 'socket') return {};
  const url = new URL(address.url);
  return {
    username: address.username ?? (url.username === '' ? undefined : decodeURIComponent(url.username)),
    password: address.password ?? (url.password === '' ? undefined : decodeURIComponent(url.password)),
  };
}
