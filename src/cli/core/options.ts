import { defaultOf, type Field, limitsOf, optionName } from '../../base/fields.ts';
import { COMMON, type Command } from './command.ts';

/** Placeholders for values in the help; without one, the values or the last word of the option's name is used. */
const VALUES: Readonly<Record<string, string>> = {
  ...{ number: 'SECONDS', count: 'N', job: 'ID', agent: 'KIND' },
  ...{ session: 'tmux:NAME', file: 'FILE', folder: 'DIR', host: 'HOST' },
};

/** The options of a command by their names on the command line, without dashes. */
export function optionsOf({ options }: Command): [name: string, option: Field][] {
  return Object.entries({ ...options, ...COMMON }).map(([field, option]) => [optionName(field), option]);
}

export function isNeeded({ optional, fallback }: Field): boolean {
  return optional !== true && fallback === undefined;
}

/** The placeholder for an option's value; undefined for a flag. */
export function placeOf(name: string, { kind, value, oneOf, completes }: Field): string | undefined {
  if (kind === 'flag') return undefined;
  const few = oneOf !== undefined && oneOf.length < 4 ? oneOf.join('|') : undefined;
  return value ?? VALUES[completes ?? kind] ?? few ?? name.slice(name.lastIndexOf('-') + 1).toUpperCase();
}

/** An option as it is typed, such as `--job ID`, or `--resume [ID]` if it may stand alone. */
export function optionText(name: string, option: Field): string {
  const value = placeOf(name, option);
  if (value === undefined) return `--${name}`;
  return option.alone === undefined ? `--${name} ${value}` : `--${name} [${value}]`;
}

export function optionHead(name: string, option: Field): string {
  return `${option.short === undefined ? '' : `-${option.short}, `}${optionText(name, option)}`;
}

export function meaningOf(option: Field): string {
  const { kind, about, typed = `${about}${limitsOf(option)}` } = option;
  const otherwise = kind === 'flag' || option.typed !== undefined ? '' : defaultOf(option);
  return otherwise === '' || otherwise === 'none' ? typed : `${typed}; default: ${otherwise}`;
}
