import { fdatasync, fsyncSync, openSync, readFileSync, write } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startBroker } from '../../src/bus/broker/broker.ts';
import type { HubBus } from '../../src/bus/hub-bus.ts';
import { outboxFolder, removeOutboxEntry, watchOutbox } from '../../src/bus/spool/outbox.ts';
import { logTopic } from '../../src/bus/topics.ts';
import type { Claim } from '../../src/job/claim.ts';
import { readOutbox } from '../support/outbox.ts';
import { HOST, REALM } from './helpers.ts';

/**
 * A hub for the tests in a process of its own: journals into one file with group commit, drains the outbox.
 * Usage: hub-child.ts HOME
 */
const home = process.argv[2] as string;
const file = join(home, 'journal.jsonl');
const seen = new Map<string, number>();
const fd = openSync(file, 'a+');
for (const line of readFileSync(file, 'utf8').split('\n')) if (line.endsWith('}')) note(line);
fsyncSync(fd);

let batch: string[] = [];
let committing: Promise<void> | undefined;
let draining = false;
let bus: HubBus;

function note(line: string): void {
  try {
    seen.set((JSON.parse(line) as Claim).event_id, seen.size + 1);
  } catch {
    // A torn tail of an earlier life.
  }
}

async function commit(): Promise<void> {
  while (batch.length > 0) {
    const text = batch.join('');
    batch = [];
    await promisify(write)(fd, text);
    await promisify(fdatasync)(fd);
  }
  committing = undefined;
}

async function take(claim: Claim): Promise<void> {
  let seq = seen.get(claim.event_id);
  if (seq === undefined) {
    seq = seen.size + 1;
    seen.set(claim.event_id, seq);
    batch.push(`\n${JSON.stringify(claim)}\n`);
  }
  if (batch.length > 0) committing ??= commit();
  await committing;
  const event = { ...claim, seq, recorded_at: claim.at };
  bus.publish(logTopic(REALM, HOST, claim.job_id), JSON.stringify({ event }));
  if (!claim.reply_to) return;
  const reply = { event_id: claim.event_id, accepted: true, recorded: true, seq };
  bus.publish(claim.reply_to, JSON.stringify(reply));
}

async function drain(): Promise<void> {
  if (draining) return;
  draining = true;
  for (const entry of await readOutbox(outboxFolder(home))) {
    await take(entry.claim);
    await removeOutboxEntry(entry);
  }
  draining = false;
}

watchOutbox(outboxFolder(home), () => void drain());
bus = await startBroker({
  socketPath: join(home, 'hub.sock'),
  realm: REALM,
  handlers: {
    claim: (_jobId, payload) => take(JSON.parse(payload.toString()) as Claim),
    request(payload) {
      const { request_id, reply_to } = JSON.parse(payload.toString()) as Record<string, string>;
      bus.publish(reply_to as string, JSON.stringify({ request_id, result: {} }));
    },
  },
});
void drain();
process.stdout.write('ready\n');
