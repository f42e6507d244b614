import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { outboxFolder } from '../../src/bus/spool/outbox.ts';
import type { Claim } from '../../src/job/claim.ts';
import { until } from '../support/until.ts';
import { cleanUp, killChild, makeClaim, makeHome, makeLink, runChild } from './helpers.ts';

afterEach(cleanUp);

const PUBLISHERS = 5;
const IN_FLIGHT = 20;
const KILLS = 3;

async function startHub(home: string): Promise<ChildProcess> {
  const child = runChild('hub-child.ts', [home]);
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return child;
}

it('nothing acknowledged is lost and no order broken while the hub is killed three times', async () => {
  const home = makeHome();
  let hub = await startHub(home);
  const acknowledged: Claim[] = [];
  const kinds = new Map<string, string>();
  let counting = 0;
  let stop = false;
  const links = Array.from({ length: PUBLISHERS }, () => makeLink(home));
  const publish = async (link: (typeof links)[number], lane: number): Promise<void> => {
    while (!stop) {
      const claim = makeClaim(`job-${lane % PUBLISHERS}`);
      const outcome = await link.claim(claim);
      acknowledged.push(claim);
      kinds.set(claim.event_id, JSON.stringify(outcome));
      if (outcome.kind === 'answered') counting++;
    }
  };
  const lanes = links.flatMap((link) => Array.from({ length: IN_FLIGHT }, (_, lane) => publish(link, lane)));
  for (let kill = 0; kill < KILLS; kill++) {
    const before = counting;
    await until('events flow', () => counting > before + 200);
    await killChild(hub);
    hub = await startHub(home);
  }
  const before = counting;
  await until('events flow again', () => counting > before + 200);
  stop = true;
  await Promise.all(lanes);
  await until('the outbox is empty', () => readdirSync(outboxFolder(home)).length === 0);
  await killChild(hub);

  const journal = new Map<string, Claim>();
  for (const line of readFileSync(join(home, 'journal.jsonl'), 'utf8').split('\n')) {
    if (!line.endsWith('}')) continue;
    const claim = JSON.parse(line) as Claim;
    if (!journal.has(claim.event_id)) journal.set(claim.event_id, claim);
  }
  const lost = acknowledged.filter((claim) => !journal.has(claim.event_id));
  expect(lost.map((claim) => kinds.get(claim.event_id))).toEqual([]);
  const last = new Map<string, number>();
  for (const { writer, job_id, writer_seq } of journal.values()) {
    const key = `${writer} ${job_id}`;
    expect(writer_seq).toBe((last.get(key) ?? 0) + 1);
    last.set(key, writer_seq as number);
  }
  expect(new Set([...journal.values()].map((claim) => claim.writer)).size).toBe(PUBLISHERS);
});
