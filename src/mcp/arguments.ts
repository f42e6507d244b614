import type { z } from 'zod';
import { MamError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { unitsNote } from '../base/text.ts';
import { meantArguments } from './meant-arguments.ts';
import type { Tool } from './tool/tool.ts';

/** As many problems as a reader can use at once. */
const MAX_PROBLEMS = 5;

type Issue = z.core.$ZodIssue;

/**
 * Checks a call's arguments, as they are meant.
 * @returns the arguments with their defaults
 * @throws MamError `bad_input`, one sentence per problem: the parameter, what is wrong, the valid values
 */
export function parseArguments(tool: Tool, args: unknown): Record<string, unknown> {
  const meant = meantArguments({ name: tool.name, shape: tool.inputSchema.shape }, args);
  const parsed = tool.inputSchema.safeParse(meant, { reportInput: true });
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues;
  const problems = issues.slice(0, MAX_PROBLEMS).map((issue) => sentence(tool, issue));
  if (issues.length > MAX_PROBLEMS) problems.push(`There are ${issues.length - MAX_PROBLEMS} problems more.`);
  throw new MamError('bad_input', problems.join(' '), `Correct it and call ${tool.name} again.`);
}

function sentence(tool: Tool, issue: Issue): string {
  const [parameter, index] = issue.path;
  if (parameter === undefined) return wholeProblem(tool, issue);
  const name =
    typeof index === 'number' ? `Item ${index} of \`${String(parameter)}\`` : `\`${String(parameter)}\``;
  const field = tool.inputSchema.shape[String(parameter)] as z.ZodType | undefined;
  const meaning = field?.description === undefined ? '' : ` It is: ${stop(field.description)}`;
  return `${name} ${problem(issue)}.${meaning}`;
}

/** What concerns the arguments as a whole: no object, or a parameter that the tool does not have. */
function wholeProblem(tool: Tool, issue: Issue): string {
  const names = Object.keys(tool.inputSchema.shape);
  if (issue.code !== 'unrecognized_keys') return 'The arguments must be one JSON object.';
  const typed = issue.keys[0] ?? '';
  const known = /^[\w-]{1,40}$/.test(typed) ? `parameter \`${typed}\`` : 'parameter of one of these names';
  const near = nearest(typed, names);
  const meant = near === undefined ? '' : ` Did you mean \`${near}\`?`;
  const has = names.length === 0 ? 'It has none.' : `It has: ${names.join(', ')}.`;
  return `${tool.name} has no ${known}.${meant} ${has}`;
}

function problem(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return `is missing: give ${kind(issue.expected)}`;
      return `must be ${kind(issue.expected)}, not ${kindOf(issue.input)}`;
    case 'invalid_value':
      return `${issue.input === undefined ? 'is missing: give' : 'must be'} one of: ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `must have at least ${issue.minimum} ${unit(issue.origin, issue.minimum)}`
        : `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `must have at most ${issue.maximum} ${unit(issue.origin, issue.maximum)}${typeof issue.input === 'string' ? unitsNote(issue.input) : ''}`
        : `must be ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
    case 'custom':
      return issue.message;
    default:
      return 'has a value that this tool does not take';
  }
}

function unit(origin: string, count: number | bigint): string {
  const noun = origin === 'string' ? 'character' : 'item';
  return Number(count) === 1 ? noun : `${noun}s`;
}

function kind(expected: string): string {
  const kinds: Record<string, string> = {
    string: 'a string',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'an array',
    object: 'an object',
  };
  return kinds[expected] ?? expected;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a number with a fraction';
  return kind(typeof value);
}

function stop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
