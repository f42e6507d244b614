import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startOf } from '../../src/processes.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { plant } from '../support/plant.ts';

/** A registry's locks lie in its project: whoever can write there can hold them. */
let lab: Lab;
beforeEach(() => {
  lab = new Lab();
  lab.expected.push(NOT_OURS);
});
afterEach(() => lab.end());

const ID = 'nice-work-12345678';

test.each<[string, (path: string) => void]>([
  ['a file', (path) => writeFileSync(path, '')],
  ['a folder that is not empty', (path) => mkdirSync(join(path, 'x'), { recursive: true })],
  [
    'a folder of the future',
    (path) => {
      mkdirSync(path);
      utimesSync(path, 4e9, 4e9);
    },
  ],
])('%s in the place of an election holds up nothing', async (_, make) => {
  plant(lab, ID);
  make(join(lab.registry, '.hub.election'));
  const told = await lab.mam('publish', '--job', ID, '--event', 'completed', '--detail', 'done');
  expect([told.code, told.stderr]).toEqual([0, '']);
  expect(lab.record(ID).status).toBe('completed');
});

test('a living process that is no hub owns no registry', async () => {
  plant(lab, ID);
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const start = startOf(process.pid);
  const owner = { pid: process.pid, start, boot, what: '/elsewhere', at: Date.now() };
  writeFileSync(join(lab.registry, '.hub.owner'), JSON.stringify(owner));
  const told = await lab.mam('publish', '--job', ID, '--event', 'completed', '--detail', 'done');
  expect([told.code, told.stderr]).toEqual([0, '']);
});

test('a hub starts in time for all others while some registries hold up their elections', async () => {
  const election = (name: string) => join(lab.folder, name, '.mam', 'jobs', '.hub.election');
  for (const name of ['a', 'b', 'c']) {
    for (const n of [1, 2]) plant(lab, `${name}-${n}-12345678`, {}, join(lab.folder, name, '.mam', 'jobs'));
    mkdirSync(election(name));
  }
  plant(lab, ID);
  const held = setInterval(() => {
    for (const name of ['a', 'b', 'c']) utimesSync(election(name), new Date(), new Date());
  }, 300);
  lab.onEnd(() => clearInterval(held));
  const told = await lab.mam('publish', '--job', ID, '--event', 'completed', '--detail', 'done');
  expect([told.code, told.stderr]).toEqual([0, '']);
});
