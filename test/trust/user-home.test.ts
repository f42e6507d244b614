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

test.each(['', '.', 'home', '../home'])(
  'a HOME of %j makes no folder of the project, which a clone brings, the one that is obeyed',
  (home) => {
    process.env['HOME'] = home;
    expect(mamHome({})).toBe(join(userInfo().homedir, '.mam'));
    expect(surroundings({}).home).toBe(userInfo().homedir);
  },
);

test('a whole path in HOME is followed', () => {
  process.env['HOME'] = '/somewhere/else';
  expect(mamHome({})).toBe('/somewhere/else/.mam');
});

test('a TMPDIR that is not there gives a deep home no socket in it', () => {
  process.env['TMPDIR'] = '/nowhere';
  expect(dirname(shortFolder('/deep'.repeat(30)))).toBe('/tmp');
});

test('a relative TMPDIR gives a deep home no socket in the working directory', () => {
  process.env['TMPDIR'] = 'here';
  expect(dirname(shortFolder('/deep'.repeat(30)))).toBe('/tmp');
});
