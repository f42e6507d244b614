import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { Journal } from '../../src/registry/journal.ts';
import { jobPaths } from '../../src/registry/paths.ts';
import { atHome, JOB_ID, ReplicaHub } from '../support/replica.ts';

let hub: ReplicaHub | undefined;
afterEach(() => {
  vi.restoreAllMocks();
  return hub?.end();
});

test('events of which the home is not asked again are on the disk before that is', async () => {
  hub = new ReplicaHub();
  const job = await hub.follow(atHome());
  const { journal, replica } = jobPaths(hub.dir, JOB_ID);
  /** What `replica.json` says when the copy's journal is on the disk. */
  const seen: unknown[] = [];
  const { flush } = Journal.prototype;
  vi.spyOn(Journal.prototype, 'flush').mockImplementation(async function (this: Journal) {
    await flush.call(this);
    if (this.path === journal) seen.push(JSON.parse(readFileSync(replica, 'utf8')).state);
  });
  await hub.registrar.setReplica(job, { offline_since: new Date().toISOString(), episode: 1 });
  expect(seen).toEqual([]);
  await hub.registrar.setReplica(job, { state: 'ended' });
  expect(seen).toEqual(['following']);
});
