import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

/** A folder that a peer takes away while its job runs, with a link to what is ours elsewhere in its place. */
let lab: Lab;
let precious: string;
beforeEach(() => {
  lab = new Lab();
  // What was reported waits until the folder is back.
  lab.expected.push(/^h\/outbox\/[\w.-]+\.json$/);
  lab.expected.push(NOT_OURS, /^p\/\.mam\/jobs(-away\/|$|\/nice-work-12345678)/);
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
  plant(lab, ID);
  const server = await lab.startServer();
  await server.ask('publish_event', { job_id: ID, event: 'started' });
  await until('the record is written', () => lab.snapshot(ID).status === 'working');
  const folder = folderIn(lab.registry);
  renameSync(folder, `${folder}-away`);
  symlinkSync(target(), folder);
  await server.call('publish_event', { job_id: ID, event: 'progress', detail: 'long '.repeat(390) });
  await server.call('publish_event', { job_id: ID, event: 'completed', detail: 'done' });
  await sleep(600);
  await lab.mam('prune', '--older-than', '2099-01-01');
  await lab.mam('hub', 'stop');
  expect(readdirSync(precious)).toEqual(['job.json']);
  expect(readFileSync(join(precious, 'job.json'), 'utf8')).toBe('do not lose me');
});
