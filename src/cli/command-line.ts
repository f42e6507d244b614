import { type ParseArgsConfig, parseArgs } from 'node:util';
import { explain, MamError } from '../errors.ts';
import { EXIT } from './exit.ts';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values = Record<string, string | boolean | undefined>;

/** What a command declares about its command line. */
export interface Usage {
  /** After `mam`, such as `status --job ID`. */
  synopsis: string;
  /** What it does, for `--help`. */
  text: string;
  options: Options;
  /** True when words without a dash are allowed. */
  positionals?: boolean;
}

/** Every command takes these. */
const COMMON: Options = {
  json: { type: 'boolean' },
  'registry-dir': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
};

/**
 * Reads a command line and runs the command; the one catch of every command.
 * @param body the command itself, with its options and words
 * @returns the exit code; 64 for wrong usage
 */
export async function runWith(
  usage: Usage,
  args: string[],
  body: (values: Values, words: string[]) => Promise<number>,
): Promise<number> {
  endWithReader();
  let values: Values;
  let words: string[];
  try {
    const parsed = parseArgs({
      args,
      options: { ...usage.options, ...COMMON },
      allowPositionals: usage.positionals ?? false,
      strict: true,
    });
    values = parsed.values as Values;
    words = parsed.positionals;
  } catch (error) {
    return fail(`${(error as Error).message.split('. ')[0]}. Usage: mam ${usage.synopsis}`, EXIT.usage);
  }
  if (values['help'] === true) {
    process.stdout.write(`Usage: mam ${usage.synopsis}\n\n${usage.text}\n`);
    return EXIT.done;
  }
  try {
    return await body(values, words);
  } catch (error) {
    const code = error instanceof MamError && error.code === 'bad_input' ? EXIT.usage : EXIT.unavailable;
    return fail(explain(error), error instanceof MamError && error.code === 'not_found' ? EXIT.usage : code);
  }
}

/** A needed option. @throws MamError `bad_input` when it is missing */
export function needed(values: Values, name: string, usage: Usage): string {
  const value = values[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new MamError('bad_input', `--${name} is missing.`, `Usage: mam ${usage.synopsis}`);
}

/** A number of seconds. @throws MamError `bad_input` when it is none */
export function secondsOf(values: Values, name: string): number | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value !== '' && Number.isFinite(number) && number >= 0) return number;
  throw new MamError('bad_input', `--${name} is not a number of seconds.`, `Try --${name} 60.`);
}

/** An option as text, absent when it was not given. */
export function textOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** A reader such as `head` may have enough: that is the end, and no error. */
export function endWithReader(): void {
  process.stdout.on('error', () => process.exit());
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** @returns `code`, after one sentence on stderr */
export function fail(text: string, code: number): number {
  process.stderr.write(`mam: ${text}\n`);
  return code;
}
