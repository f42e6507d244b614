import { MamError } from '../../base/errors.ts';
import { type Field, flag, optionName, textOrTrue } from '../../base/fields.ts';
import { nearest } from '../../base/nearest.ts';
import { clean } from '../../base/text.ts';
import { COMMON, type Command, type Given } from './command.ts';
import { isNeeded, optionsOf } from './options.ts';
import { giveText, splitWords } from './split-words.ts';

const FEW = 3;
/** In seconds. */
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

const HELP = flag('this command, with an example', { short: 'h' });

/** Reads a command line; undefined when it asks for help. @throws MamError `bad_input` that says how to correct it */
export function parseCommandLine(command: Command, args: string[]): Given | undefined {
  const { words = [], rest } = command;
  const isOpenEnded = words.at(-1)?.many === true;
  const declared: Record<string, Field> = { ...Object.fromEntries(optionsOf(command)), help: HELP };
  const split = splitWords(declared, args, isOpenEnded);
  const { values, alone } = split;
  // With one word too many, it was meant as the option's value: whoever takes that says what is wrong with it.
  if (alone !== undefined && !isOpenEnded && split.words.length > words.length)
    values[alone.name] = split.words.splice(alone.at, 1)[0] ?? '';
  const positionals = rest === undefined ? [...split.words, ...split.rest] : split.words;
  if (values['help'] === true) return undefined;
  if (positionals.length > words.length && !isOpenEnded) {
    const extra = clean(positionals[words.length] ?? '').slice(0, 40);
    const hint = rest === undefined ? '' : `Put -- before ${rest.name} (${rest.about}).`;
    throw new MamError('bad_input', `Unexpected argument "${extra}".`, hint);
  }
  const options: Record<string, unknown> = {};
  for (const [field, option] of Object.entries(command.options)) {
    const name = optionName(field);
    options[field] = readValue(name, option, values[name]);
  }
  const least = words.filter(({ needed }) => needed).length;
  const missing = words[positionals.length];
  if (positionals.length < least && missing !== undefined) {
    throw new MamError('bad_input', `${missing.name} is missing.`, oneOfText(missing.oneOf));
  }
  for (const [index, { name, oneOf }] of words.entries()) checkOneOf(name, oneOf, positionals[index]);
  return {
    options: options as Given['options'],
    words: positionals,
    ...(rest !== undefined && { rest: split.rest }),
    json: values['json'] === true,
    registryDir: readValue('registry-dir', COMMON.registry_dir, values['registry-dir']) as string | undefined,
  };
}

function readValue(name: string, option: Field, value: unknown): unknown {
  if (option.kind === 'flag') return value === true;
  if (option.kind === 'list') return value ?? option.fallback;
  const needed = isNeeded(option);
  if (typeof value !== 'string' || (value === '' && needed)) {
    if (!needed) return option.fallback;
    throw new MamError('bad_input', `--${name} is missing.`, giveText(name, option));
  }
  // One that stands alone is empty.
  if (option.orTrue === true) return value === '' || textOrTrue(value);
  if (option.kind === 'text' || option.kind === 'choice') {
    checkOneOf(`--${name}`, option.oneOf, value);
    return value;
  }
  const number = option.kind === 'number' ? secondsOf(value) : Number(value);
  const fits = option.kind === 'number' ? Number.isFinite(number) : Number.isSafeInteger(number);
  if (value.trim() !== '' && number >= 0 && fits) return number;
  if (option.kind === 'count' && fits && number < 0)
    throw new MamError(
      'bad_input',
      `--${name} must be at least ${option.min ?? 0}.`,
      `Give ${rangeText(option)}.`,
    );
  const [kind, hint] =
    option.kind === 'number'
      ? ['a number of seconds', 'Give seconds, or a time such as 90s, 30m or 1h.']
      : ['a whole number', `Give ${rangeText(option)}.`];
  throw new MamError('bad_input', `--${name} is not ${kind}.`, hint);
}

/** A time in seconds, given so or with a unit; not a number for anything else. */
function secondsOf(text: string): number {
  const [, number, unit = 's'] = /^(.+?)\s*([smhd])?$/s.exec(text.trim()) ?? [];
  return Number(number) * (SECONDS[unit] ?? 1);
}

function rangeText({ min, max }: Field): string {
  if (max === undefined) return min === undefined ? 'a whole number' : `a whole number from ${min}`;
  return `a whole number from ${min ?? 0} to ${max}`;
}

function checkOneOf(name: string, oneOf: readonly string[] | undefined, value: string | undefined): void {
  if (oneOf === undefined || value === undefined || oneOf.includes(value)) return;
  // Where all fit on a glance, a guess only distracts.
  const near = oneOf.length > FEW ? nearest(value, [...oneOf]) : undefined;
  const meant = near === undefined ? '' : `Did you mean ${near}? `;
  const given = clean(value).slice(0, 40);
  throw new MamError('bad_input', `${name} can't be "${given}".`, `${meant}${oneOfText(oneOf)}`);
}

function oneOfText(oneOf: readonly string[] | undefined): string {
  return oneOf === undefined ? '' : `Use one of ${oneOf.join(', ')}.`;
}
