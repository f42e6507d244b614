import { expect, test } from 'vitest';
import { screenResultOf } from '../../../src/hub/mesh/delegator/answers.ts';

test('the screen of another host obeys no terminal, and is a screen', () => {
  const screen = ['\u001b]52;c;ZXZpbA==\u0007\u001b[2JREADY>', 'plain'];
  expect(screenResultOf('hostb', { screen, live: true, missing: '\u001b[31mred', more: 1 })).toEqual({
    screen: ['READY>', 'plain'],
    live: true,
    missing: 'red',
  });
  for (const odd of [{ screen: 5, live: true }, { screen: [{}], live: true }, {}])
    expect(() => screenResultOf('hostb', odd)).toThrow(
      'The answer of hostb does not have the expected form.',
    );
});
