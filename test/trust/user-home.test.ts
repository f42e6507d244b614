import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { surroundings } from '../../src/install/disk/surroundings.ts';
import { mamHome } from '../../src/settings/config.ts';
import { shortFolder } from '../../src/settings/hub-place.ts';

const before = { HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'] };
afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

test.each(['', '.', 'home', '../home'])('with a HOME of %j no folder of the project is obeyed', (home) => {
  process.env['HOME'] = home;
  expect(mamHome({})).toBe(join(userInfo().homedir, '.mam'));
  expect(surroundings({}).home).toBe(userInfo().homedir);
});

test('an absolute path in HOME is followed', () => {
  process.env['HOME'] = '/somewhere/else';
  expect(mamHome({})).toBe('/somewhere/else/.mam');
});

test.each(['/nowhere', 'here'])('a missing or relative TMPDIR %s gets no socket of a deep home', (folder) => {
  process.env['TMPDIR'] = folder;
  expect(dirname(shortFolder('/deep'.repeat(30)))).toBe('/tmp');
});
