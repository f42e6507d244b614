import { wrap } from '../../base/columns.ts';
import type { Command } from './command.ts';
import { EXIT } from './exit.ts';
import { meaningOf, optionHead, optionsOf } from './options.ts';
import { synopsisOf } from './synopsis.ts';

/** No line of help takes more columns. */
const WIDTH = 100;
/** What the two exit codes mean that every command has. */
const SHARED_EXITS = {
  usage: 'wrong usage',
  unavailable: 'something needed is missing or refuses, such as tmux, the agent, the hub or the job',
};

/** What `mam NAME --help` prints. */
export function helpText(name: string, command: Command): string {
  const exits = { ...SHARED_EXITS, ...command.exits };
  return [
    ...hang('Usage: ', `mam ${synopsisOf(name, command)} [--json]`),
    '',
    ...command.about.flatMap((paragraph) => [...wrap(paragraph, WIDTH), '']),
    ...section('Options:', [
      ...(command.words ?? [])
        .filter(({ hidden }) => !hidden)
        .map((word): [string, string] => [word.name, word.about]),
      ...optionsOf(command).map(([name, option]): [string, string] => [
        optionHead(name, option),
        meaningOf(option),
      ]),
      ['--help', 'show this'],
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

function section(title: string, rows: [string, string][]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return [title, ...rows.flatMap(([name, text]) => hang(`  ${name.padEnd(width)}  `, text)), ''];
}

/** A text behind its name, its further lines below the first. */
function hang(head: string, text: string): string[] {
  const [first = '', ...rest] = wrap(text, WIDTH - head.length);
  return [`${head}${first}`, ...rest.map((line) => `${' '.repeat(head.length)}${line}`)];
}
