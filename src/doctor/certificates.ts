import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { orElse } from '../base/or-else.ts';
import { checkEncrypted } from '../bus/address.ts';
import type { BrokerSettings } from '../settings/broker-settings.ts';
import { type Found, note, problem } from './finding.ts';

/** A certificate is worth a word this long before its end, in ms: two weeks leave time to make a new one. */
const SOON_MS = 14 * 24 * 3_600_000;

/** What is wrong soon, or is wrong already, about the certificate files of a broker, and about its lack of encryption. */
export function expiring({ urls, ca, cert, plain, password }: BrokerSettings, now = Date.now()): Found[] {
  const files = [
    ['MAM_BROKER_CERT', cert],
    ['MAM_BROKER_CA', ca],
  ] as const;
  const ends = files.flatMap(([name, file]) => (file === undefined ? [] : endOf(name, file, now)));
  // On the way to this machine itself nobody listens.
  const isSafe = orElse(() => checkEncrypted({ urls }) === undefined, false);
  if (plain !== true || isSafe || password === undefined) return ends;
  const title =
    'MAM_BROKER_PLAIN (broker_plain) is set: the password goes over the network unencrypted to this broker.';
  return [
    ...ends,
    note(
      'broker.plain',
      title,
      'Use mqtts:// (or wss://) in MAM_BROKER_URL, unless the network itself is safe.',
    ),
  ];
}

function endOf(name: string, file: string, now: number): Found[] {
  // A file that can't be read or is none was reported with the connection that it kept from being made.
  const until = orElse(() => Date.parse(new X509Certificate(readFileSync(file)).validTo), Number.NaN);
  if (Number.isNaN(until) || until - now > SOON_MS) return [];
  const day = new Date(until).toISOString().slice(0, 10);
  const id = 'broker.certificate';
  const remedy = `Replace it before then, and run \`mam hub restart\`.`;
  return until > now
    ? [note(id, `The certificate ${file} (${name}) expires on ${day}.`, remedy)]
    : [
        problem(
          id,
          `The certificate ${file} (${name}) expired on ${day}.`,
          'Replace it, and run `mam hub restart`.',
        ),
      ];
}
