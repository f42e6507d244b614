import { describe, expect, test } from 'vitest';
import { jsonConfig } from '../../src/install/json-config.ts';
import { type Json, parseJson } from '../../src/install/json-text.ts';
import type { Wish } from '../../src/install/wish.ts';
import { installed } from './support.ts';

const WISHES: Wish[] = [
  { at: ['servers', 'mam'], value: { command: 'x', args: [] }, remove: 'by hand' },
  { at: ['rules', 'allow'], words: ['one', 'two'], unless: [] },
];
const JSONC = { comments: true, trailingCommas: true };
const file = jsonConfig('/f.jsonc', WISHES, JSONC);

describe('with comments and trailing commas, as some clients allow,', () => {
  test.each([
    ['// top\n{\n  // first\n  "a": 1, // why\n  /* and */ "b": [1, 2,], // more\n}\n// end\n'],
    ['{\n  "a": 1 // the last word\n  // and one more\n}\n'],
    ['{ /* nothing here */ }'],
    ['{\n  // nothing here\n}\n'],
    ['{"servers":{"a":1,},"rules":{"allow":["x", /* y */ ],},}'],
    ['{\n  "servers": { // ours\n    "a": 1,\n    // "b": 2,\n  },\n  "url": "http://x/*y*/"\n}'],
  ])('%j keeps all of it', (before) => {
    const { text, receipt } = installed(file, before);
    const value = parseJson('/f', text, JSONC).value as Record<string, Record<string, Json>>;
    expect(value['servers']?.['mam']).toEqual({ command: 'x', args: [] });
    for (const comment of before.match(/\/\/.*|\/\* .*? \*\//g) ?? []) expect(text).toContain(comment);
    const after = file.uninstall(text, receipt).text ?? '';
    const words = (one: string): string => one.replace(/[\s,]/g, '');
    expect(words(after)).toBe(words(before));
    expect(parseJson('/f', after, JSONC).value).toEqual(parseJson('/f', before, JSONC).value);
  });
});

test('whatever a file looks like, install and uninstall leave it byte for byte', () => {
  const random = generator(20261122);
  const pick = <T>(...values: T[]): T => values[Math.floor(random() * values.length)] as T;
  const make = (depth: number): Json => {
    if (depth === 0) return pick<Json>(1, -2.5e3, 'a "b" \\ ,}', '', true, null, '키');
    const size = Math.floor(random() * 4);
    if (random() < 0.4) return Array.from({ length: size }, () => make(depth - 1));
    return Object.fromEntries(
      Array.from({ length: size }, (_, i) => [pick('k', '{', 'ü"') + i, make(depth - 1)]),
    );
  };
  for (let round = 0; round < 500; round++) {
    const root: Record<string, Json> = {};
    const keys = ['a', 'servers', 'b', 'rules', 'c'].filter(() => random() < 0.5);
    for (const key of keys.sort(() => random() - 0.5)) {
      if (key === 'servers') root[key] = pick<Json>({}, { x: make(1) }, { x: 1, y: make(2) });
      else if (key === 'rules')
        root[key] = pick<Json>({}, { deny: [] }, { allow: [] }, { allow: ['z', 'one'], q: 1 });
      else root[key] = make(3);
    }
    const eol = pick('\n', '\r\n');
    const plain = JSON.stringify(root, null, pick<string | number>('', 1, 2, 4, '\t'));
    // A comma behind every last element, and a comment behind some lines.
    const dressed = random() < 0.5 ? plain : plain.replace(/(?<![[{,\s])\n\s*[}\]]/g, ',$&');
    const noted = dressed.replace(/(?<=[,"\d])\n/g, () => pick('\n', ' // why\n', ' /* , */\n'));
    const before = pick('', '\ufeff') + noted.replaceAll('\n', eol) + pick('', eol, eol + eol);
    const { text, receipt } = installed(file, before);
    expect(file.uninstall(text, receipt).text).toBe(before);
    // The other servers and rules came in the meantime, and the client wrote the file anew in its own manner.
    const value = parseJson('/f', text, JSONC).value as {
      servers: Record<string, Json>;
      rules: { allow: Json[] };
    };
    value.servers['later'] = 1;
    value.rules.allow.unshift('later');
    const anew = JSON.stringify(value, null, pick<string | number>('', 2, '\t'));
    const left = JSON.parse(file.uninstall(anew, receipt).text ?? '');
    expect(left).toEqual({
      ...root,
      servers: { ...(root['servers'] as object), later: 1 },
      rules: {
        ...(root['rules'] as object),
        allow: ['later', ...((root['rules'] as { allow?: string[] } | undefined)?.allow ?? [])],
      },
    });
  }
});

test('of a key that occurs twice in our entry, the value that is read is updated', () => {
  const { text, receipt } = installed(file, '{}');
  const twice = text.replace('"command"', '"command": "x", $&');
  const wishes: Wish[] = [{ at: ['servers', 'mam'], value: { command: 'y' }, remove: 'by hand' }];
  const updated = jsonConfig('/f.jsonc', wishes, JSONC).install(twice, receipt).text ?? '';
  expect(JSON.parse(updated).servers.mam).toEqual({ command: 'y' });
  expect(updated).toContain('"command": "x", "command": "y"');
});

/** Mulberry32: the same numbers every time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
