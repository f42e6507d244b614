import { wrap } from '../../base/columns.ts';
import { optionName } from '../../base/fields.ts';
import type { Command, Word } from './command.ts';
import { EXIT, EXIT_MEANINGS } from './exit.ts';
import { isNeeded, meaningOf, optionHead, optionsOf, optionText } from './options.ts';

const WIDTH = 100;
export function helpText(name: string, command: Command): string {
  const { usage, unavailable } = EXIT_MEANINGS;
  const exits = { usage, unavailable, ...command.exits };
  return [
    ...hang('Usage: ', `mam ${synopsisOf(name, command)} [--json]`),
    '',
    ...command.about.flatMap((paragraph) => [...wrap(paragraph, WIDTH), '']),
    ...section('Options:', [
      ...wordsOf(command).map(({ name, about }): [string, string] => [name, about]),
      ...optionsOf(command).map(([name, option]): [string, string] => [
        optionHead(name, option),
        meaningOf(option),
      ]),
      ['--help', 'show this help'],
    ]),
    ...section(
      'Exit codes:',
      Object.entries(exits)
        .map(([exit, meaning]): [number, string] => [EXIT[exit as keyof typeof EXIT], meaning])
        .sort(([a], [b]) => a - b)
        .map(([code, meaning]): [string, string] => [String(code), meaning]),
    ),
    ...(command.examples.length > 1 ? ['Examples:'] : ['Example:']),
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

/** The words of a command, as its help lists them. */
export function wordsOf({ words = [], rest }: Command): readonly Word[] {
  return rest === undefined ? words : [...words, { ...rest, name: `-- ${rest.name}` }];
}

/** A command's usage, from its name on. */
export function synopsisOf(name: string, { synopsis, words = [], rest, options }: Command): string {
  const others = Object.entries(options)
    .map(([field, option]) => [optionText(optionName(field), option), isNeeded(option)] as const)
    .filter(([text]) => !synopsis?.includes(text.split(' ')[0] ?? ''))
    .map(([text, needed]) => (needed ? text : `[${text}]`));
  const after = rest === undefined ? [] : [`[-- ${rest.name}…]`];
  if (synopsis === undefined) return [name, ...words.map(wordText), ...others, ...after].join(' ');
  return `${name} ${synopsis.replace('[OPTIONS]', others.join(' '))}`;
}

function wordText({ name, needed, many }: Word): string {
  const text = many ? `${name}…` : name;
  return needed ? text : `[${text}]`;
}

function section(title: string, rows: [string, string][]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return [title, ...rows.flatMap(([name, text]) => hang(`  ${name.padEnd(width)}  `, text)), ''];
}

/** A text next to its name, with later lines below the first. */
function hang(head: string, text: string): string[] {
  const [first = '', ...rest] = wrap(text, WIDTH - head.length);
  return [`${head}${first}`, ...rest.map((line) => `${' '.repeat(head.length)}${line}`)];
}
