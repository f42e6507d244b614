import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startOf } from '../../src/base/processes.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { plant } from '../support/plant.ts';

/** A registry's locks are in its project: anyone who can write there can hold them. */
let lab: Lab;
const ID = 'nice-work-12345678';

function makeLab(): void {
  lab = new Lab();
  lab.expected.push(NOT_OURS);
}

/** What someone puts into a registry, by name. */
const OBSTACLES: [string, (registry: string) => void][] = [
  ['a file in the place of an election', (path) => writeFileSync(join(path, '.hub.election'), '')],
  [
    'a folder that is not empty in the place of an election',
    (path) => mkdirSync(join(path, '.hub.election', 'x'), { recursive: true }),
  ],
  [
    'a folder of the future in the place of an election',
    (path) => {
      mkdirSync(join(path, '.hub.election'));
      utimesSync(join(path, '.hub.election'), 4e9, 4e9);
    },
  ],
  [
    'a living process that is not a hub but calls itself the owner',
    (path) => {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      const start = startOf(process.pid);
      const owner = { pid: process.pid, start, boot, what: '/elsewhere', at: Date.now() };
      writeFileSync(join(path, '.hub.owner'), JSON.stringify(owner));
    },
  ],
];

describe('in the registry of a project', () => {
  const projectOf = (n: number) => join(lab.folder, `project-${n}`);
  beforeAll(() => {
    makeLab();
    for (const [n, [, make]] of OBSTACLES.entries()) {
      const registry = join(projectOf(n), '.mam', 'jobs');
      plant(lab, `${ID}-${n}`, {}, registry);
      make(registry);
    }
  });
  afterAll(() => lab.end());

  test.each(OBSTACLES.map(([what], n) => [what, n] as const))('%s holds up nothing', async (_, n) => {
    const id = `${ID}-${n}`;
    const words = ['publish', '--job', id, '--event', 'completed', '--detail', 'done'];
    const told = await lab.start(words, { cwd: projectOf(n), input: '' }).ended;
    expect([told.code, told.stderr]).toEqual([0, '']);
    expect(lab.record(id, join(projectOf(n), '.mam', 'jobs')).status).toBe('completed');
  });
});

test('a hub starts in time for all other registries while some delay their elections', async () => {
  makeLab();
  onTestFinished(() => lab.end());
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
  // A hub that is asked to end while its start is delayed this long leaves its files, like one that was killed.
  clearInterval(held);
  for (const name of ['a', 'b', 'c']) rmSync(election(name), { recursive: true, force: true });
});
