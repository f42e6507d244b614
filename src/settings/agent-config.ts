import { resolve } from 'node:path';
import { isObject } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { userHome } from '../base/user-home.ts';

/** How an agent is started. */
const START_FIELDS = {
  /** Environment variables of its session. */
  env: 'variables',
  /** A file with more of them; absolute once read. */
  env_file: 'text',
  model: 'text',
  /** What follows our own arguments on its command line. */
  args: 'words',
  /** How the program takes a model: words, one of which contains `{model}`. */
  model_args: 'words',
  /** A built-in kind's own word for what the agent may do without asking. */
  permission_mode: 'text',
  /** The default working folder; absolute once read. */
  workdir: 'text',
  /** What each task begins with: a text, or the path of a file with it, which is absolute once read. */
  preamble: 'text',
} as const;

/** The fields of a configured agent kind, with their types. */
const FIELDS = {
  ...START_FIELDS,
  /** The kind that this one is a profile of: the same program, started in another way. */
  extends: 'text',
  /** What it is for, for whoever chooses an agent. */
  about: 'about',
  /** The default session, such as `tmux:aider`. */
  session: 'text',
  /** The program that starts it, with its arguments, without a shell. */
  command: 'words',
  /** Regular expressions that are matched against the whole screen, with the flags m and u. */
  ready: 'pattern',
  busy: 'pattern',
  dialog: 'pattern',
  /** Matches a person's unsent text in the input box, on the screen without dim text. */
  draft: 'pattern',
  /** tmux key names: one clears the input box, the other interrupts the agent, such as C-u and Escape. */
  clear: 'key',
  interrupt: 'key',
  /** What is typed to begin a new conversation, such as `/new`. */
  fresh: 'line',
} as const;

interface Types {
  words: string[];
  variables: Record<string, string>;
  text: string;
  pattern: string;
  key: string;
  line: string;
  about: string;
}

/** The longest `about`, in characters: a model reads all of them to choose one. */
const ABOUT_CHARS = 200;
/** The name of a profile: it is shown in sentences and lists, and marks a pane. */
const PROFILE_NAME = /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,39}$/u;

export type AgentConfig = {
  -readonly [F in keyof typeof FIELDS]?: Types[(typeof FIELDS)[F]] | undefined;
};

/** The kinds without what is only for their start, which may be secret: for requests that start nothing. */
export function withoutStarts(agents: Record<string, AgentConfig>): Record<string, AgentConfig> {
  return Object.fromEntries(Object.entries(agents).map(([kind, own]) => [kind, withoutStart(own)]));
}

export function withoutStart(own: AgentConfig): AgentConfig {
  return Object.fromEntries(Object.entries(own).filter(([field]) => !Object.hasOwn(START_FIELDS, field)));
}

/** The kinds with absolute paths. @param base of relative ones; `~/` is the home folder */
export function withPlaces(agents: Record<string, AgentConfig>, base: string): Record<string, AgentConfig> {
  const at = (path: string) =>
    resolve(
      base,
      path.replace(/^~(?=\/)/, () => userHome()),
    );
  const placed = ({ env_file, workdir, preamble, ...own }: AgentConfig): AgentConfig => ({
    ...own,
    ...(env_file !== undefined && { env_file: at(env_file) }),
    ...(workdir !== undefined && { workdir: at(workdir) }),
    ...(preamble !== undefined && { preamble: isPath(preamble) ? at(preamble) : preamble }),
  });
  return Object.fromEntries(Object.entries(agents).map(([kind, own]) => [kind, placed(own)]));
}

/** True for a `preamble` that names a file: one line that begins with `./`, `../`, `~/` or `/`. */
export function isPath(preamble: string): boolean {
  return /^(?:\.{1,2}\/|~\/|\/)[^\n]*$/.test(preamble);
}

export const AGENT_HINT = `An agent kind has: ${Object.keys(FIELDS).join(', ')}.`;

/** What is wrong with the agent kinds of a `config.json`, without the final period. @param name of the setting */
export function wrongAgents(name: string, value: unknown): string | undefined {
  if (!isObject(value)) return `${name} must be an object`;
  const fields: ReadonlyMap<string, string> = new Map(Object.entries(FIELDS));
  for (const [kind, agent] of Object.entries(value)) {
    if (!isObject(agent)) return `${name}.${kind} must be an object`;
    if (agent['extends'] !== undefined && !PROFILE_NAME.test(kind))
      return `${name}.${JSON.stringify(kind)} is not a name for a profile: it may have letters, digits, _, . and -, at most 40 characters`;
    for (const [field, one] of Object.entries(agent)) {
      const type = fields.get(field);
      if (type === undefined) return `${name}.${kind} has the unknown field ${JSON.stringify(field)}`;
      const wrong = wrongField(field, type, one);
      if (wrong !== undefined) return `${name}.${kind}.${field} ${wrong}`;
    }
  }
  return undefined;
}

function isAbout(value: string): boolean {
  return value.length <= ABOUT_CHARS && value.trim() !== '' && !/[\p{Cc}\u2028\u2029]/u.test(value);
}

function wrongField(field: string, type: string, value: unknown): string | undefined {
  if (type === 'words') {
    if (!Array.isArray(value)) return 'must be a list';
    if (value.length === 0 && field !== 'args') return 'must not be empty';
    if (!value.every((word) => typeof word === 'string')) return 'must be a list of strings';
    const isWhole = field !== 'model_args' || value.some((word) => word.includes('{model}'));
    return isWhole ? undefined : 'must contain {model}';
  }
  if (type === 'variables') {
    const isMap = isObject(value) && Object.values(value).every((one) => typeof one === 'string');
    return isMap ? undefined : 'must be an object of strings';
  }
  if (typeof value !== 'string') return 'must be a string';
  if (type === 'pattern' && orElse(() => new RegExp(value, 'u'), undefined) === undefined)
    return 'is not a valid regular expression';
  if (type === 'about' && !isAbout(value)) return `must be one line of at most ${ABOUT_CHARS} characters`;
  if (type === 'line' && !/^\/?[\p{L}\p{N}][\p{L}\p{N} _:.-]{1,59}$/u.test(value))
    return 'is not a command of one line, such as /new';
  return type === 'key' && !/^[A-Za-z0-9-]{1,20}$/.test(value)
    ? 'is not a tmux key name, such as C-u or Escape'
    : undefined;
}
