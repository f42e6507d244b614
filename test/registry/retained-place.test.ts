import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { homePaths, retainedPlace } from '../../src/registry/home.ts';

test('a job whose name is a path is looked for nowhere', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mam-retained-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const home = homePaths(join(folder, 'home'));
  mkdirSync(home.retained, { recursive: true });
  for (const path of [join(home.retained, 'roof'), join(folder, 'home', 'other')])
    writeFileSync(path, '/project/.mam/jobs\n');
  expect(retainedPlace(home, 'roof')).toBe('/project/.mam/jobs');
  expect(retainedPlace(home, '../other')).toBeUndefined();
});
