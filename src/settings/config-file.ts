import { z } from 'zod';
import { MamError } from '../base/errors.ts';

const pattern = z.string().refine(isPattern, 'is no valid regular expression');

const key = z.string().regex(/^[A-Za-z0-9-]{1,20}$/, 'is no key in tmux words, such as C-u or Escape');

/** An agent kind made by configuration. */
const agentSchema = z.strictObject({
  /** The default session, such as `tmux:aider`. */
  session: z.string().optional(),
  /** The command line that starts it: program and arguments, without a shell. */
  command: z.array(z.string()).min(1).optional(),
  /** Regular expressions, tried on the whole screen, with the flags m and u. */
  ready: pattern.optional(),
  busy: pattern.optional(),
  dialog: pattern.optional(),
  /** A person's unsent words in the input box; tried on the screen without its dim text. */
  draft: pattern.optional(),
  /** tmux's names of the keys that empty the input box and that interrupt the agent, such as C-u and Escape. */
  clear: key.optional(),
  interrupt: key.optional(),
});
export type AgentConfig = z.infer<typeof agentSchema>;

const fileSchema = z.strictObject({
  registry_dir: z.string().optional(),
  broker_url: z.string().optional(),
  broker_username: z.string().optional(),
  broker_password: z.string().optional(),
  broker_ca: z.string().optional(),
  realm: z.string().optional(),
  logs_dir: z.string().optional(),
  tmux_server_name: z.string().optional(),
  tool_timeout_seconds: z.number().positive().optional(),
  hub_idle_seconds: z.number().nonnegative().optional(),
  hub_events_per_minute: z.number().int().nonnegative().optional(),
  max_depth: z.number().int().nonnegative().optional(),
  max_open_jobs: z.number().int().nonnegative().optional(),
  agents: z.record(z.string(), agentSchema).optional(),
});
export type ConfigFile = z.infer<typeof fileSchema>;

/** What a reader of JSON calls the types of the schemas. */
const TYPES: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
};

/**
 * Checks the text of a `config.json`.
 * @throws MamError `bad_input` that names the file, the setting and what is wrong with it
 */
export function parseConfigFile(path: string, text: string): ConfigFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the file, which may hold a password.
    throw new MamError('bad_input', `${path} is not valid JSON.`, 'Fix or remove it.');
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new MamError(
    'bad_input',
    issue === undefined ? `${path} is not understood.` : `${path}${wrong(issue)}.`,
    issue?.path[0] === 'agents'
      ? `An agent kind has: ${Object.keys(agentSchema.shape).join(', ')}.`
      : `Settings are: ${Object.keys(fileSchema.shape).join(', ')}.`,
  );
}

/** The settings among what a file says that is not valid as a whole, with whatever values they have there. */
export function knownSettings(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(fileSchema.shape, name)));
}

/** What is wrong, as the end of a sentence that begins with the file. */
function wrong(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.');
  const begin = where === '' ? '' : `: ${where}`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return `${begin} has the unknown name ${JSON.stringify(issue.keys[0])}`;
    case 'invalid_type':
      return `${begin} must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'too_small':
      if (issue.origin === 'array') return `${begin} must not be empty`;
      return `${begin} must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'custom':
    case 'invalid_format':
      return `${begin} ${issue.message}`;
    default:
      return `${begin} cannot be used`;
  }
}

function isPattern(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}
