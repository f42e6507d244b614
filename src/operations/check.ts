import type { z } from 'zod';
import { MamError } from '../base/errors.ts';
import type { Fields } from '../base/fields.ts';
import { counted, unitsNote } from '../base/text.ts';
import { LIMITS } from '../job/limits.ts';
import { COMMANDS } from './commands.ts';
import type { Command } from './request.ts';
import { meaningOf, paramsSchema } from './schema.ts';

/** The most problems that one error lists. */
const MAX_PROBLEMS = 5;

type Issue = z.core.$ZodIssue;
const schemas = new Map<Command, z.ZodObject>();

/**
 * Checks that a request has the parameters that its command needs, each of the right type.
 * @throws MamError `bad_input`, with one sentence per problem that names the field
 */
export function checkParams(command: Command, params: unknown): void {
  const fields: Fields = COMMANDS[command].params;
  const schema = schemas.get(command) ?? paramsSchema(fields);
  schemas.set(command, schema);
  const { error } = schema.safeParse(params ?? {}, { reportInput: true });
  if (error === undefined) return;
  const problems = problemsOf(error, fields, () => `The parameters of ${command} must be one JSON object.`);
  throw new MamError('bad_input', problems, 'Correct it and retry.');
}

/** @throws MamError `bad_input` for a number outside the limits of its field */
export function checkNumbers(fields: Fields, params: Readonly<Record<string, unknown>>): void {
  for (const [name, field] of Object.entries(fields)) {
    const { kind, min = 0, max = Number.POSITIVE_INFINITY } = field;
    const value = params[name];
    if (typeof value !== 'number' || (value >= min && value <= max)) continue;
    const isOpen = max === Number.POSITIVE_INFINITY;
    const [unit, example] = kind === 'number' ? [' seconds', 3600] : ['', isOpen ? min : max];
    const limits = isOpen ? `${min} or more` : `from ${min} to ${max}${unit}`;
    const what = `${name} must be ${limits}.`;
    throw new MamError('bad_input', what, `Try ${name} ${example}.`);
  }
}

/** What is wrong with values, one sentence per problem. @param whole describes a problem of no single field */
export function problemsOf({ issues }: z.ZodError, fields: Fields, whole: (issue: Issue) => string): string {
  const problems = issues.slice(0, MAX_PROBLEMS).map((issue) => {
    const [first, ...rest] = issue.path;
    if (first === undefined) return whole(issue);
    const at = rest.find((step) => typeof step === 'number');
    const item = at === undefined ? '' : `Item ${at} of `;
    const field = fields[String(first)];
    const meaning =
      field === undefined || field.about === '' ? '' : ` Expected: ${sentence(meaningOf(field))}`;
    const name = issue.path.filter((step) => step !== at).join('.');
    return `${item}\`${name}\` ${problem(issue)}.${meaning}`;
  });
  const more = issues.length - MAX_PROBLEMS;
  if (more > 0) problems.push(`And ${counted(more, 'more problem')}.`);
  return problems.join(' ');
}

function problem(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing: give ${kind(issue.expected)}`
        : `must be ${kind(issue.expected)}, not ${kindOf(issue.input)}`;
    case 'invalid_value':
      return `${issue.input === undefined ? 'is missing: give' : 'must be'} one of: ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return bounds('at least', issue.origin, issue.minimum);
    case 'too_big':
      return `${bounds('at most', issue.origin, issue.maximum)}${typeof issue.input === 'string' ? shorter(issue.input, issue.maximum) : ''}`;
    case 'custom':
      return issue.message;
    default:
      return 'has a value that is not accepted';
  }
}

function bounds(how: string, origin: string, limit: number | bigint): string {
  if (origin !== 'string' && origin !== 'array') return `must be ${how} ${limit}`;
  return `must have ${how} ${counted(Number(limit), origin === 'string' ? 'character' : 'item')}`;
}

/** What to know and to do about a text that is too long: a long one is better in a file, a name is not. */
function shorter(text: string, limit: number | bigint): string {
  const isName = limit < LIMITS.detailChars;
  return `${unitsNote(text)}${isName ? '' : ': put the text into a file and name the file'}`;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
};

function kind(expected: string): string {
  return KINDS[expected] ?? expected;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a number with a fraction';
  return kind(typeof value);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
