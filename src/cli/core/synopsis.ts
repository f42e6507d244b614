import type { Command, Option, Word } from './command.ts';

/** A command's line of usage, from its name on. */
export function synopsisOf(name: string, { synopsis, words = [], options }: Command): string {
  if (synopsis !== undefined) return synopsis === '' ? name : `${name} ${synopsis}`;
  return [
    name,
    ...words.filter(({ hidden }) => !hidden).map(wordText),
    ...Object.entries(options).map(([option, declared]) =>
      declared.needed ? optionText(option, declared) : `[${optionText(option, declared)}]`,
    ),
  ].join(' ');
}

/** An option as it is typed, such as `--job ID`. */
export function optionText(name: string, { type, value }: Option): string {
  return type === 'flag' ? `--${name}` : `--${name} ${value ?? name.toUpperCase()}`;
}

function wordText({ name, needed, many }: Word): string {
  const text = many ? `${name}…` : name;
  return needed ? text : `[${text}]`;
}
