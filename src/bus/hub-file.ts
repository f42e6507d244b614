import { readFileSync } from 'node:fs';
import { orElse } from '../base/or-else.ts';
import { sha256 } from '../base/sha256.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';
import { redactUrls } from './address.ts';

/** What a running hub writes about itself in `hub.json`. */
export interface HubFile {
  pid: number;
  version: string;
  protocol: number;
  socket: string;
  started_at: string;
  realm: string;
  host: string;
  /** `embedded`, or the broker's URLs without user and password. */
  broker: string;
  /** Shows whether a client has the same broker configured, without revealing a secret. */
  broker_fingerprint: string;
}

export function readHubFile(path: string): HubFile | undefined {
  return orElse(() => JSON.parse(readFileSync(path, 'utf8')) as HubFile, undefined);
}

/** The broker as shown to people, without user, password and query. */
export function describeBroker(broker: BrokerSettings | undefined): string {
  return broker === undefined ? 'embedded' : redactUrls(broker.urls);
}

/** Equal for the same broker and user. The password is not compared: the broker itself must refuse a wrong one. */
export function brokerFingerprint(broker: BrokerSettings | undefined): string {
  if (broker === undefined) return 'embedded';
  return sha256(JSON.stringify([broker.urls.join(','), broker.username ?? ''])).slice(0, 16);
}
