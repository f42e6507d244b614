import type { Completion, Field } from '../../base/fields.ts';
import type { Command, Word } from '../core/command.ts';
import { meaningOf, optionsOf, placeOf } from '../core/options.ts';

/** What a shell offers as values: a list, what it finds itself, or what `mam completion-values` prints. */
export type Offers = { from: 'list'; values: readonly string[] } | { from: 'commands' | Source };

/** An option; without `value` it is a flag. */
export interface OptionRow {
  name: string;
  about: string;
  value?: { name: string; offers: Offers | undefined; optional?: true };
}

export interface WordRow {
  name: string;
  offers: Offers | undefined;
  /** It also covers all later words. */
  many: boolean;
}

export interface CommandRow {
  name: string;
  summary: string;
  options: OptionRow[];
  words: WordRow[];
}

/** What the scripts of all shells are generated from. */
export interface Table {
  /** The options that may replace a command. */
  options: OptionRow[];
  commands: CommandRow[];
}

const SOURCES = {
  job: 'jobs',
  open: 'open-jobs',
  asking: 'asking-jobs',
  deciding: 'deciding-jobs',
  person: 'person-jobs',
  place: 'places',
  agent: 'agents',
  startable: 'startable',
  host: 'hosts',
  session: 'sessions',
  started: 'started-sessions',
  file: 'files',
  folder: 'folders',
} as const satisfies Record<Completion, string>;
type Source = (typeof SOURCES)[Completion];

const HELP: OptionRow = { name: '--help', about: 'show this help' };

/** @param commands every declaration, with the name and the summary of its command */
export function completionTable(commands: { name: string; summary: string; command: Command }[]): Table {
  return {
    options: [
      { name: '--help', about: 'list the commands' },
      { name: '--version', about: 'print the version' },
    ],
    commands: [
      ...commands.map(
        ({ name, summary, command }): CommandRow => ({
          name,
          summary,
          options: [...optionsOf(command).map(optionRow), HELP],
          words: (command.words ?? []).map(wordRow),
        }),
      ),
      {
        name: 'help',
        summary: 'show how a command is used',
        options: [],
        words: [{ name: 'COMMAND', offers: { from: 'commands' }, many: false }],
      },
    ],
  };
}

function optionRow([name, option]: [string, Field]): OptionRow {
  const row = { name: `--${name}`, about: meaningOf(option) };
  const place = placeOf(name, option);
  if (place === undefined) return row;
  const value = { name: place, offers: offersOf(option), ...(option.alone && { optional: true as const }) };
  return { ...row, value };
}

function wordRow(word: Word): WordRow {
  const { offers: values } = word;
  const offers: Offers | undefined = values === undefined ? offersOf(word) : { from: 'list', values };
  return { name: word.name, offers, many: word.many === true };
}

function offersOf({ oneOf, completes }: Pick<Field, 'oneOf' | 'completes'>): Offers | undefined {
  if (oneOf !== undefined) return { from: 'list', values: oneOf };
  return completes === undefined ? undefined : { from: SOURCES[completes] };
}
