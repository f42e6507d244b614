import { z } from 'zod';
import { MamError } from './errors.ts';

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
    throw new MamError('bad_input', `${path} is not valid JSON.`, 'Mend or remove it.');
  }
  const parsed = fileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw new MamError(
    'bad_input',
    `${path}: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'not understood'}.`,
    issue?.path[0] === 'agents'
      ? `An agent kind has: ${Object.keys(agentSchema.shape).join(', ')}.`
      : `Settings are: ${Object.keys(fileSchema.shape).join(', ')}.`,
  );
}

function isPattern(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}
