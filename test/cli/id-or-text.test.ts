import { expect, test } from 'vitest';
import { MamError } from '../../src/base/errors.ts';
import { type Choice, idOrText } from '../../src/cli/jobs/id-or-text.ts';

const LOGIN = 'k3f9x2ab-fix-login-test';
const CART = 'k3z4mnpq-fix-cart';
const NOTES = 'p7qrstuv-no-the-notes';
const OLD = 'paint-shed-9ab8cd7e';
const ENDED = 'w8wwwwww-cellar';
const PAST = ['w8wwwwww-cellar', 'x2aaaaaa-paint-the-door', 'x3aaaaaa-use-it', 'x4aaaaaa-use-that'];

function read(asking: string[], ...words: string[]): ReturnType<typeof idOrText> | string {
  const choice: Choice = {
    command: 'mam answer',
    open: [LOGIN, CART, NOTES, OLD],
    asking,
    ended: (part) => PAST.filter((id) => id.includes(part)),
    named: (word) => [LOGIN, CART, NOTES, OLD, ...PAST].find((id) => id === word || id.slice(0, 8) === word),
    isNear: (word) => word === 'fix-login-tesst',
    unknown: (word) => new MamError('not_found', `There is no job ${word}.`),
  };
  try {
    return idOrText(words, choice);
  } catch (error) {
    if (error instanceof MamError) return error.text;
    throw error;
  }
}

test.each([
  ['a quoted text', [LOGIN], ['login is right'], { text: 'login is right' }],
  ['a single word', [LOGIN], ['yes'], { text: 'yes' }],
  ['a single word of the slug of the one that asks', [CART], ['cart'], { text: 'cart' }],
  ['words', [LOGIN], ['Use', 'the', 'second'], { text: 'Use the second' }],
  ['words in small letters', [LOGIN], ['the', 'second', 'port'], { text: 'the second port' }],
  ['a word with a dash', [LOGIN], ['re-run', 'it', 'please'], { text: 're-run it please' }],
  ['a whole id', [CART], [LOGIN, 'the', 'text'], { id: LOGIN, text: 'the text' }],
  ['a whole random part', [CART], ['k3f9x2ab', 'yes'], { id: LOGIN, text: 'yes' }],
  ['an ended job', [CART], [ENDED, 'the', 'text'], { id: ENDED, text: 'the text' }],
  ['the beginning of a random part', [CART], ['k3f', 'the', 'text'], { id: LOGIN, text: 'the text' }],
  ['the beginning of an ended one', [CART], ['w8w', 'the text'], { id: ENDED, text: 'the text' }],
  ['the same, without quotes', [CART], ['w8w', 'the', 'text'], { id: ENDED, text: 'the text' }],
  [
    'a word of an ended one, in front of a quoted text',
    [CART],
    ['cellar', 'the text'],
    { id: ENDED, text: 'the text' },
  ],
  ['any part, in front of a quoted text', [CART], ['ogin', 'the text'], { id: LOGIN, text: 'the text' }],
  ['a word of an ended one, when nothing asks', [], ['cellar', 'yes'], { id: ENDED, text: 'yes' }],
  [
    'words of an ended one',
    [CART],
    ['paint-the', 'door', 'red'],
    { id: 'x2aaaaaa-paint-the-door', text: 'door red' },
  ],
  ['a word of several ended ones', [CART], ['use', 'the', 'second'], { text: 'use the second' }],
  ['a word with a digit and a sign', [CART], ['h2,', 'not', 'h3'], { text: 'h2, not h3' }],
  ['a quoted text and more', [CART], ['the text', 'more'], { text: 'the text more' }],
  ['the beginning of an old id', [CART], ['paint-sh', 'a', 'b'], { id: OLD, text: 'a b' }],
  ['a word of a slug and a quoted text', [CART], ['login', 'the text'], { id: LOGIN, text: 'the text' }],
  ['a word of the one that asks, and one more', [CART], ['cart', 'it'], { text: 'cart it' }],
  ['a word of the one that asks, and more', [LOGIN], ['login', 'is', 'right'], { text: 'login is right' }],
  [
    'a word of a slug and a quoted text when nothing asks',
    [],
    ['login', 'go on'],
    { id: LOGIN, text: 'go on' },
  ],
  ['words that name no job', [CART], ['no', 'thanks'], { text: 'no thanks' }],
  ['the middle of a word', [CART], ['ogin', 'thanks'], { text: 'ogin thanks' }],
  ['a word of a slug and an empty text', [LOGIN], ['login', ''], { id: LOGIN, text: '' }],
  ['an id alone', [CART], [LOGIN], { id: LOGIN, text: '' }],
])('%s', (_, asking, words, expected) => {
  expect(read(asking, ...words)).toEqual(expected);
});

test.each([
  [[], ['login', 'go', 'on'], [`--job ${LOGIN} 'go on'`]],
  [[], ['login', 'yes'], [`--job ${LOGIN} yes`]],
  [[CART], ['login', '--allow'], [`--job ${LOGIN} -- --allow`, `--job ${CART} 'login --allow'`]],
  [
    [LOGIN, CART],
    ['login', 'yes'],
    [`--job ${LOGIN} yes`, `--job ${LOGIN} 'login yes'`, `--job ${CART} 'login yes'`],
  ],
  [[CART], ['login', 'yes'], [`--job ${LOGIN} yes`, `--job ${CART} 'login yes'`]],
  [[CART], ['login', 'is', 'right'], [`--job ${LOGIN} 'is right'`, `--job ${CART} 'login is right'`]],
  [
    [LOGIN, CART],
    ['login', 'is', 'right'],
    [`--job ${LOGIN} 'is right'`, `--job ${LOGIN} 'login is right'`, `--job ${CART} 'login is right'`],
  ],
  [[CART], ['login'], [`--job ${CART} login`]],
  [[CART], ['cellar', 'is', 'right'], [`--job ${CART} 'cellar is right'`]],
  [[LOGIN], ['fix', 'it'], [`--job ${LOGIN} it`, `--job ${CART} it`, `--job ${LOGIN} 'fix it'`]],
])('asking %j, the words %j may mean several things', (asking, words, commands) => {
  const said = read(asking, ...words);
  expect(said).toContain('may be part of a job id or the first word of the text, so nothing was sent.');
  expect(String(said).split('\n').slice(1)).toEqual(commands.map((command) => `  mam answer ${command}`));
});

test.each([
  [['fix', 'the text'], 'fix is part of 2 job ids'],
  [
    ['k3f9x2ac-fix-login', 'the', 'text'],
    'There is no job k3f9x2ac-fix-login. If it is text, put all of it in quotes.',
  ],
  [['fix-login-tesst', 'the', 'text'], 'There is no job fix-login-tesst.'],
  [['k955', 'blue'], 'There is no job k955.'],
  [['p7', 'the', 'text'], 'There is no job p7.'],
  [['v2'], `There is no job v2. If it is text: Run one of these:\n  mam answer --job ${LOGIN} v2`],
  [['hi-nosuch', 'blue'], 'There is no job hi-nosuch.'],
  [['zzzz', 'Slate, again.'], 'There is no job zzzz.'],
  [['no', 'thanks a lot'], 'There is no job no.'],
  [['K955', 'blue, in the file'], 'There is no job K955.'],
])('%j is refused', (words, expected) => {
  expect(read([LOGIN], ...words)).toContain(expected);
});
