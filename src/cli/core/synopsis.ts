import { optionName } from '../../base/fields.ts';
import type { Command, Word } from './command.ts';
import { isNeeded, optionText } from './options.ts';

/** A command's line of usage, from its name on. */
export function synopsisOf(name: string, { synopsis, words = [], options }: Command): string {
  const others = Object.entries(options)
    .map(([field, option]) => [optionText(optionName(field), option), isNeeded(option)] as const)
    .filter(([text]) => !synopsis?.includes(text.split(' ')[0] ?? ''))
    .map(([text, needed]) => (needed ? text : `[${text}]`));
  if (synopsis === '') return name;
  if (synopsis !== undefined) return `${name} ${synopsis.replace('[OPTIONS]', others.join(' '))}`;
  return [name, ...words.filter(({ hidden }) => !hidden).map(wordText), ...others].join(' ');
}

function wordText({ name, needed, many }: Word): string {
  const text = many ? `${name}…` : name;
  return needed ? text : `[${text}]`;
}
