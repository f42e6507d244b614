import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab } from '../durability/support.ts';
import { until } from '../support/until.ts';

/** A folder that a peer takes away while its job runs, with a link to what is ours elsewhere in its place. */
let lab: Lab;
let precious: string;
beforeEach(() => {
  lab = new Lab();
  precious = join(lab.folder, 'precious');
  mkdirSync(precious);
  writeFileSync(join(precious, 'job.json'), 'do not lose me');
});
afterEach(() => lab.end());

const ID = 'nice-work-12345678';

test.each([
  ['jobs/ID', (from: string) => join(from, ID), () => precious],
  [
    'jobs',
    (from: string) => from,
    () => {
      const jobs = join(lab.folder, 'elsewhere');
      mkdirSync(jobs);
      renameSync(precious, join(jobs, ID));
      precious = join(jobs, ID);
      return jobs;
    },
  ],
])('%s: nothing is written through it', async (_, folderIn, target) => {
  lab.plant(ID);
  const server = await lab.server();
  await server.ask('publish_event', { job_id: ID, event: 'started' });
  await until('the record is written', () => lab.snapshot(ID).status === 'working');
  const folder = folderIn(lab.registry);
  renameSync(folder, `${folder}-away`);
  symlinkSync(target(), folder);
  await server.call('publish_event', { job_id: ID, event: 'progress', detail: 'long '.repeat(390) });
  await server.call('publish_event', { job_id: ID, event: 'completed', detail: 'done' });
  await sleep(600);
  await lab.mam(['prune', '--older-than', '2099-01-01']);
  await lab.mam(['hub', 'stop']);
  expect(readdirSync(precious)).toEqual(['job.json']);
  expect(readFileSync(join(precious, 'job.json'), 'utf8')).toBe('do not lose me');
});
