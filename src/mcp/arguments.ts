import type { z } from 'zod';
import { MamError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { problemsOf } from '../operations/check.ts';
import type { Tool } from '../tool/tool.ts';
import { meantArguments } from './meant-arguments.ts';

/** The arguments as meant, with defaults. @throws MamError `bad_input`, a sentence per problem, with what is valid */
export function parseArguments({ name, fields, inputSchema }: Tool, args: unknown): Record<string, unknown> {
  const { data, error } = inputSchema.safeParse(meantArguments(name, fields, args), { reportInput: true });
  if (error === undefined) return data;
  const problems = problemsOf(error, fields, (issue) => wholeProblem(name, Object.keys(fields), issue));
  throw new MamError('bad_input', problems, `Correct it and call ${name} again.`);
}

/** A problem of the arguments as a whole: not an object, or a parameter that the tool does not have. */
function wholeProblem(tool: string, names: string[], issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return 'The arguments must be one JSON object.';
  const typed = issue.keys[0] ?? '';
  const known = /^[\w-]{1,40}$/.test(typed) ? `parameter \`${typed}\`` : 'parameter with one of these names';
  const near = nearest(typed, names);
  const meant = near === undefined ? '' : ` Did you mean \`${near}\`?`;
  const has = names.length === 0 ? 'It has none.' : `It has: ${names.join(', ')}.`;
  return `${tool} has no ${known}.${meant} ${has}`;
}
