import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Json } from '../support/lab-server.ts';
import { test } from '../support/lab-test.ts';
import { plant } from '../support/plant.ts';

test('jobs of other projects are listed, named where nothing is here, and reached by their ids', async ({
  lab,
}) => {
  const [web, app] = ['web', 'app'].map((name) => join(lab.folder, 'projects', name));
  const [inWeb, inApp] = [web, app].map((project) => join(project ?? '', '.mam', 'jobs'));
  plant(lab, 'a8f9x2ab-ask-the-colour', {}, inWeb);
  plant(lab, 'b7n3m2k4-bring-the-key', {}, inApp);
  plant(lab, 'c5p8q2r4-write-the-texts', {}, inApp);
  const servers = await Promise.all(
    [inWeb, inApp].map((registry) => lab.startServer({ MAM_REGISTRY_DIR: registry ?? '' })),
  );
  await servers[0]?.report('a8f9x2ab-ask-the-colour', 'question', { detail: 'Which colour?' });
  await servers[1]?.report('b7n3m2k4-bring-the-key', 'permission_required', { detail: 'rm -rf build' });
  const empty = join(lab.folder, 'projects', 'empty');
  mkdirSync(join(empty, '.mam'), { recursive: true });
  const mam = (...args: string[]) => lab.start(args, { cwd: empty, input: '' }).ended;

  // Here, there is nothing: whatever is asked for without an id says where it is.
  const here = await mam('list');
  expect(here.stdout).toBe(`No jobs in ${empty}/.mam/jobs. Delegate one: mam submit "TASK"\n`);
  expect(here.stderr).toBe('mam: 2 need you in other projects: mam list --all --needs-you\n');
  expect((await mam('wait')).stdout).toContain('2 need you in other projects: mam list --all --needs-you');
  const allow = await mam('allow');
  expect(allow.code).toBe(69);
  expect(allow.stderr).toContain(`\n  mam allow b7n3m2k4-bring-the-key # ${app}: rm -rf build\n`);
  expect((await mam('answer', 'blue, please')).stderr).toContain(
    `\n  mam answer a8f9x2ab-ask-the-colour 'blue, please' # ${web}\n`,
  );
  expect((await mam('done', 'It is written.')).stderr).toContain(
    `\n  mam done c5p8q2r4-write-the-texts 'It is written.' # ${app}\n`,
  );

  const all = (await mam('list', '--all')).stdout.trimEnd().split('\n');
  expect(all.map((line) => line.split('\t')).map((fields) => [fields[0], fields[6]])).toEqual([
    ['a8f9x2ab-ask-the-colour', web],
    ['b7n3m2k4-bring-the-key', app],
    ['c5p8q2r4-write-the-texts', app],
  ]);
  const json: Json = JSON.parse((await mam('list', '--all', '--needs-you', '--json')).stdout);
  expect(json).toMatchObject({ total: 3, need_you: 2, summary: expect.stringContaining('2 projects') });
  expect(json.jobs.map((job: Json) => job.registry_dir)).toEqual([inWeb, inApp]);
  const cut = await mam('list', '--all', '--limit', '1');
  expect(cut.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(cut.stderr).toContain('mam list --all --limit 2 shows more.');
  for (const more of [
    ['--registry-dir', lab.registry],
    ['--cursor', 'x'],
  ])
    expect((await mam('list', '--all', ...more)).code).toBe(64);

  // A part of an id is enough from anywhere.
  expect((await mam('status', 'a8f')).stdout).toContain('Which colour?');
  expect((await mam('logs', 'a8f9')).stdout).toContain('Which colour?');
  expect((await mam('answer', 'a8f9', 'blue')).stdout).toContain('to a8f9x2ab-ask-the-colour: blue');
  expect((await mam('deny', 'b7n')).stdout).toContain('deny for b7n3m2k4-bring-the-key');
  expect((await mam('wait', 'b7n3', '--timeout', '0.1')).stdout).toContain('b7n3m2k4-bring-the-key');
  expect((await mam('done', 'c5p8', 'Written.')).stdout).toContain('c5p8q2r4-write-the-texts is completed');
  expect((await mam('cancel', 'b7n3')).stdout).toContain('b7n3m2k4-bring-the-key is cancelled');
  // A word of an id of another project is no id here.
  expect((await mam('cancel', 'colour')).code).not.toBe(0);

  await lab.mam('hub', 'stop');
  rmSync(join(lab.folder, 'projects'), { recursive: true });
});
