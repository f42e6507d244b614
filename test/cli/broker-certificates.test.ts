import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { expiring } from '../../src/doctor/certificates.ts';
import { Authority } from '../support/hosts/certificates.ts';
import { LABS } from '../support/processes.ts';

const folder = mkdtempSync(LABS);
afterAll(() => rmSync(folder, { recursive: true }));
/** Its certificates hold for a day. */
const { file: ca } = new Authority(folder);
const URLS = ['mqtts://broker.lan:8883'];
const DAY = 24 * 3_600_000;

test('a certificate that ends soon is a note, one that has ended a problem, and one that is good nothing', () => {
  const at = (now: number) => expiring({ urls: URLS, ca }, now).map(({ level, title }) => [level, title]);
  expect(at(Date.now())).toEqual([['note', expect.stringContaining('(MAM_BROKER_CA) expires on 2')]]);
  expect(at(Date.now() + 2 * DAY)).toEqual([['problem', expect.stringContaining('expired on 2')]]);
  expect(at(Date.now() - 30 * DAY)).toEqual([]);
  // It was reported with the connection that it kept from being made.
  expect(expiring({ urls: URLS, ca: `${folder}/none` })).toEqual([]);
});

test('a password that goes over the network in plain text is told, if the user allowed it', () => {
  const given = { password: 'secret', plain: true };
  const found = expiring({ ...given, urls: ['mqtt://broker.lan'] });
  expect(found).toMatchObject([{ id: 'broker.plain', level: 'note' }]);
  expect(JSON.stringify(found)).not.toContain('secret');
  expect(expiring({ ...given, urls: ['mqtt://127.0.0.1:1883'] })).toEqual([]);
  expect(expiring({ ...given, urls: URLS })).toEqual([]);
});
