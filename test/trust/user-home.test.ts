import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { surroundings } from '../../src/cli/install/surroundings.ts';
import { mamHome } from '../../src/config.ts';

const before = process.env['HOME'];
afterEach(() => {
  process.env['HOME'] = before;
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
