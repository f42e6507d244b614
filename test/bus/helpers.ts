import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as mqttPacket from 'mqtt-packet';
import { newEventId } from '../../src/base/ids.ts';
import { startBroker } from '../../src/bus/broker/broker.ts';
import type { BusHandlers, HubBus } from '../../src/bus/hub-bus.ts';
import { claimTopic, logTopic } from '../../src/bus/topics.ts';
import type { Claim } from '../../src/job/claim.ts';
import type { ClaimReply } from '../../src/job/event.ts';
import { Link, type LinkOptions } from '../../src/link/link.ts';
import type { Request } from '../../src/operations/request.ts';
import { until } from '../support/until.ts';

/** When a hub of these tests has started. */
export const EPOCH = '2026-01-01T00:00:00.000Z';
export const REALM = 'test';
export const HOST = 'here';
/** Longer than any machine needs to answer, in ms. */
const LONG_MS = 120_000;

/** What a test has started, ended in reverse order by `cleanUp`. */
const cleaners: (() => unknown)[] = [];

export function onCleanUp(cleaner: () => unknown): void {
  cleaners.push(cleaner);
}

export async function cleanUp(): Promise<void> {
  for (const cleaner of cleaners.splice(0).reverse()) await cleaner();
}

/** A private folder that is removed after the test. */
export function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'mam-bus-'));
  onCleanUp(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

export function makeClaim(jobId: string, detail = ''): Claim {
  return {
    event_id: newEventId(),
    job_id: jobId,
    type: 'progress',
    source: 'peer',
    at: new Date().toISOString(),
    detail,
  };
}

/** A hub that keeps its journal in memory. */
export interface FakeHub {
  bus: HubBus;
  journal: Claim[];
  /** Every arrival, even of what the journal already has. */
  arrived: Claim[];
  requests: Request[];
  /** When set, a claim waits for it before it is journalled. */
  gate: Promise<void> | undefined;
  /** When set, a claim is answered with it instead of being journalled. */
  answer: ((claim: Claim) => Partial<ClaimReply>) | undefined;
  stop(): Promise<void>;
}

export function fakeHandlers(hub: FakeHub): BusHandlers {
  return {
    async claim(jobId, payload) {
      const claim = JSON.parse(payload.toString()) as Claim;
      hub.arrived.push(claim);
      if (hub.gate) await hub.gate;
      accept(hub, jobId, claim);
    },
    request(payload) {
      const request = JSON.parse(payload.toString()) as Request;
      hub.requests.push(request);
      const params = request.params as { fail?: boolean; silent?: boolean };
      if (params.silent) return;
      const answer = params.fail
        ? { error: { code: 'not_found', message: 'No such job.', hint: 'Use another.' } }
        : { result: { echo: request.params } };
      hub.bus.publish(request.reply_to, JSON.stringify({ request_id: request.request_id, ...answer }));
    },
  };
}

/** Journals a claim once, answers it, and publishes it on the job's log. */
export function accept(hub: FakeHub, jobId: string, claim: Claim): void {
  const special = hub.answer?.(claim);
  const known = hub.journal.findIndex((entry) => entry.event_id === claim.event_id);
  if (special === undefined && known === -1) {
    hub.journal.push(claim);
    const log = { event: { ...claim, seq: hub.journal.length, recorded_at: claim.at } };
    hub.bus.publish(logTopic(REALM, HOST, jobId), JSON.stringify(log));
  }
  const seq = known === -1 ? hub.journal.length : known + 1;
  const reply = special ?? { accepted: true, recorded: true, seq };
  if (claim.reply_to) {
    hub.bus.publish(claim.reply_to, JSON.stringify({ event_id: claim.event_id, ...reply }));
  }
}

export async function startFakeHub(
  home: string,
  handlers: Partial<BusHandlers> = {},
  options: { drainMs?: number } = {},
): Promise<FakeHub> {
  const hub = newFakeHub();
  const parts = { socketPath: join(home, 'hub.sock'), realm: REALM, ...options };
  hub.bus = await startBroker({ ...parts, handlers: { ...fakeHandlers(hub), ...handlers } });
  onCleanUp(() => hub.stop());
  return hub;
}

export function newFakeHub(): FakeHub {
  let stopped = false;
  const hub: FakeHub = {
    bus: undefined as never,
    journal: [],
    arrived: [],
    requests: [],
    gate: undefined,
    answer: undefined,
    async stop() {
      if (!stopped && hub.bus) await hub.bus.stop();
      stopped = true;
    },
  };
  return hub;
}

/** A link that keeps nothing in its outbox because the machine is slow; for that a test gives a time of its own. */
export function makeLink(home: string, options: Partial<LinkOptions> = {}): Link {
  const address = { kind: 'socket', path: join(home, 'hub.sock') } as const;
  const link = new Link(
    Object.assign(options, { address, realm: REALM, host: HOST, home, patienceMs: LONG_MS, ...options }),
  );
  onCleanUp(() => link.close());
  return link;
}

/** A promise, and what resolves it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** What a raw MQTT client has seen of its broker. */
export interface RawClient {
  packets: mqttPacket.Packet[];
  closed: boolean;
  send(packet: mqttPacket.Packet): void;
  write(bytes: Uint8Array): void;
  /** Publishes a claim at QoS 1. */
  claim(messageId: number, claim: Claim): void;
  /** @returns when the broker has answered */
  subscribe(topic: string, messageId?: number): Promise<void>;
  /** The first packet of this kind, and with this id if one is given. */
  saw(cmd: string, messageId?: number): mqttPacket.Packet | undefined;
  pause(): void;
  end(): void;
}

/** Speaks MQTT byte by byte, for what no proper client does. */
export async function rawClient(
  socketPath: string,
  clientId = newEventId().slice(0, 20),
): Promise<RawClient> {
  const socket = connect(socketPath);
  const parser = mqttPacket.parser({ protocolVersion: 4 });
  const client: RawClient = {
    packets: [],
    closed: false,
    send: (packet) => socket.write(mqttPacket.generate(packet)),
    write: (bytes) => socket.write(bytes),
    claim: (messageId, claim) =>
      client.send(publishPacket(messageId, claimTopic(REALM, claim.job_id), JSON.stringify(claim))),
    subscribe: async (topic, messageId = 1) => {
      client.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos: 1 }] });
      await until('SUBACK', () => client.saw('suback', messageId));
    },
    saw: (cmd, messageId) =>
      client.packets.find(
        (packet) => packet.cmd === cmd && (messageId === undefined || packet.messageId === messageId),
      ),
    pause: () => socket.pause(),
    end: () => socket.destroy(),
  };
  parser.on('packet', (packet) => client.packets.push(packet));
  socket.on('data', (chunk) => parser.parse(chunk));
  socket.on('error', () => {});
  socket.on('close', () => {
    client.closed = true;
  });
  onCleanUp(() => client.end());
  const session = { clean: true, clientId, keepalive: 60 };
  client.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...session });
  await until('CONNACK', () => client.saw('connack'));
  return client;
}

export function publishPacket(messageId: number, topic: string, payload: string | Buffer): mqttPacket.Packet {
  return { cmd: 'publish', messageId, topic, payload, qos: 1, retain: false, dup: false };
}

/** Runs a TypeScript file of the tests in a separate process; killed after the test if it still runs. */
export function runChild(file: string, args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onCleanUp(() => killChild(child));
  return child;
}

export async function killChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
