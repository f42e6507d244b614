import { expect, test } from 'vitest';
import { allowedTools } from '../../src/install/own-tools.ts';
import { tools } from '../../tools/index.ts';

test('the tools that mam install can allow are all tools', () => {
  expect(allowedTools(true).sort()).toEqual(tools.map(({ name }) => name).sort());
});
