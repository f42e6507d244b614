import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { expect, test } from 'vitest';
import { KINDS } from '../../../src/agents/index.ts';
import type { AgentKind } from '../../../src/agents/kind.ts';
import { readScreen } from './read.ts';

/** The hub looks many times a second, in its single thread; the slowest pattern on these takes some 2 ms. */
const MOST_MS = 50;
const GLYPHS = [
  '┃',
  '│',
  '›',
  '❯',
  '>',
  '•',
  '■',
  '─',
  '╹▀▀▀▀▀▀▀▀▀▀▀▀',
  '● ',
  '  ',
  'x',
  '1. Yes',
  'esc to interrupt',
];

/** Every recorded screen, and texts that could mislead a pattern: sidebars, padding, similar rows. */
async function* screens(): AsyncGenerator<[string, string[]]> {
  for (const kind of readdirSync(import.meta.dirname, { withFileTypes: true })) {
    if (!kind.isDirectory()) continue;
    for (const file of readdirSync(join(import.meta.dirname, kind.name))) {
      const { lines } = await readScreen(join(import.meta.dirname, kind.name, file));
      const name = `${kind.name}/${file}`;
      yield [name, lines];
      yield [`${name} with a sidebar`, lines.map((line) => `${line.padEnd(120)} something beside it`)];
      yield [`${name} padded`, lines.map((line) => `${line.padEnd(198)}.`)];
      yield [`${name} twice`, [...lines, ...lines]];
      yield [`${name} without its end`, lines.slice(0, -2)];
    }
  }
  for (const glyph of GLYPHS) {
    for (const indent of [0, 1, 2, 25, 120]) {
      const row = `${' '.repeat(indent)}${glyph} `;
      yield [`rows of "${row}"`, Array.from({ length: 60 }, () => row.repeat(Math.ceil(160 / row.length)))];
      yield [`short rows of "${row}"`, Array.from({ length: 60 }, () => row.trimEnd())];
      yield [
        `rows of "${row}", then another`,
        [...Array.from({ length: 59 }, () => `${row}${' '.repeat(40)}x`), 'end'],
      ];
    }
  }
}

/** The patterns of a kind, each with a name for messages. */
function patternsOf(kind: AgentKind): NamedPattern[] {
  const { ready, busy, draft } = kind.screen;
  const { menu, done } = kind.newConversation ?? {};
  const named = Object.entries({ ready, busy, draft, menu, done }).filter(
    (entry): entry is NamedPattern => entry[1] instanceof RegExp,
  );
  const all = [
    ...named,
    ...kind.dialogs.map(({ name, pattern }, n): NamedPattern => [`dialog ${n} (${name})`, pattern]),
  ];
  return all.map(([which, pattern]) => [`${kind.name} ${which}`, pattern]);
}

type NamedPattern = [name: string, pattern: RegExp];

const surroundings = createContext({ text: '', patterns: [/x/] });
const search = new Script('for (const pattern of patterns) text.search(pattern)');

/** CPU time in ms: that of other programs does not count. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** How long searches take in ms, the best of some attempts; endless ones are stopped. */
function timeOf(named: NamedPattern[], text: string): number {
  const patterns = named.map(([, pattern]) => pattern);
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 5 && best > MOST_MS; tries++) {
    Object.assign(surroundings, { text, patterns });
    const begun = processorMs();
    try {
      search.runInContext(surroundings, { timeout: 10 * MOST_MS });
    } catch {
      // Broken off.
    }
    best = Math.min(best, processorMs() - begun);
  }
  return best;
}

test('no screen keeps a pattern busy', async () => {
  const slow = new Map<string, string>();
  const all = KINDS.flatMap(patternsOf);
  for await (const [name, lines] of screens()) {
    const text = lines.join('\n');
    const patterns = all.filter(([key]) => !slow.has(key));
    // Together they nearly always stay below the limit for one.
    if (timeOf(patterns, text) > MOST_MS) {
      for (const one of patterns) {
        const took = timeOf([one], text);
        if (took > MOST_MS) slow.set(one[0], `${one[0]} on ${name}: ${Math.round(took)} ms`);
      }
    }
    for (const kind of KINDS) kind.permission?.read(lines);
  }
  expect([...slow.values()]).toEqual([]);
});
