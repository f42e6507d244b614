import { expect, test } from 'vitest';
import { MamError } from '../../src/base/errors.ts';
import { type Choice, idOrText } from '../../src/cli/jobs/id-or-text.ts';

const LOGIN = 'k3f9x2ab-fix-login-test';
const CART = 'k3z4mnpq-fix-cart';
const NOTES = 'p7qrstuv-no-the-notes';
const OLD = 'paint-shed-9ab8cd7e';
const ENDED = 'w8wwwwww-cellar';

function read(asking: string[], ...words: string[]): ReturnType<typeof idOrText> | string {
  const choice: Choice = {
    command: 'mam answer',
    open: [LOGIN, CART, NOTES, OLD],
    asking,
    named: (word) => [LOGIN, CART, NOTES, OLD, ENDED].find((id) => id === word || id.slice(0, 8) === word),
    mistyped: (word) => (/^[a-z]\d\w{6}-/.test(word) ? new MamError('not_found', 'mistyped') : undefined),
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
  ['a single word of a slug', [CART], ['login'], { text: 'login' }],
  ['words', [LOGIN], ['Use', 'the', 'second'], { text: 'Use the second' }],
  ['words in small letters', [LOGIN], ['the', 'second', 'port'], { text: 'the second port' }],
  ['a word with a dash', [LOGIN], ['re-run', 'it', 'please'], { text: 're-run it please' }],
  ['a whole id', [CART], [LOGIN, 'the', 'text'], { id: LOGIN, text: 'the text' }],
  ['a whole random part', [CART], ['k3f9x2ab', 'yes'], { id: LOGIN, text: 'yes' }],
  ['an ended job', [CART], [ENDED, 'the', 'text'], { id: ENDED, text: 'the text' }],
  ['the beginning of a random part', [CART], ['k3f', 'the', 'text'], { id: LOGIN, text: 'the text' }],
  ['two characters of one', [CART], ['p7', 'the', 'text'], { text: 'p7 the text' }],
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
  [[LOGIN], ['fix', 'it'], [`--job ${LOGIN} it`, `--job ${CART} it`, `--job ${LOGIN} 'fix it'`]],
])('asking %j, the words %j may mean several things', (asking, words, commands) => {
  const said = read(asking, ...words);
  expect(said).toContain('may be part of a job id or the first word of the text, so nothing was sent.');
  expect(String(said).split('\n').slice(1)).toEqual(commands.map((command) => `  mam answer ${command}`));
});

test.each([
  [['fix', 'the text'], 'fix is part of 2 job ids'],
  [['k3f9x2ac-fix-login', 'the', 'text'], 'mistyped'],
])('%j is refused', (words, expected) => {
  expect(read([LOGIN], ...words)).toContain(expected);
});
