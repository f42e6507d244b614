import { isObject } from '../base/is-object.ts';

/** What each field of an agent kind that is made by configuration has to be. */
const FIELDS = {
  /** The default session, such as `tmux:aider`. */
  session: 'text',
  /** The command line that starts it: program and arguments, without a shell. */
  command: 'words',
  /** Regular expressions, tried on the whole screen, with the flags m and u. */
  ready: 'pattern',
  busy: 'pattern',
  dialog: 'pattern',
  /** A person's unsent words in the input box; tried on the screen without its dim text. */
  draft: 'pattern',
  /** tmux's names of the keys that empty the input box and that interrupt the agent, such as C-u and Escape. */
  clear: 'key',
  interrupt: 'key',
} as const;

/** An agent kind made by configuration. */
export type AgentConfig = {
  -readonly [F in keyof typeof FIELDS]?: ((typeof FIELDS)[F] extends 'words' ? string[] : string) | undefined;
};

export const AGENT_HINT = `An agent kind has: ${Object.keys(FIELDS).join(', ')}.`;

/** What is wrong with the agent kinds of a `config.json`, as a sentence without its end. @param name of the setting */
export function wrongAgents(name: string, value: unknown): string | undefined {
  if (!isObject(value)) return `${name} must be an object`;
  return first(Object.entries(value), ([kind, agent]) => wrongAgent(`${name}.${kind}`, agent));
}

function wrongAgent(name: string, value: unknown): string | undefined {
  if (!isObject(value)) return `${name} must be an object`;
  const fields: Readonly<Record<string, string>> = FIELDS;
  return first(Object.entries(value), ([field, one]) =>
    Object.hasOwn(fields, field)
      ? wrongField(`${name}.${field}`, fields[field], one)
      : `${name} has the unknown name ${JSON.stringify(field)}`,
  );
}

function wrongField(name: string, type: string | undefined, value: unknown): string | undefined {
  if (type === 'words') {
    if (!Array.isArray(value)) return `${name} must be a list`;
    if (value.length === 0) return `${name} must not be empty`;
    return first([...value.entries()], ([index, word]) => wrongField(`${name}.${index}`, 'text', word));
  }
  if (typeof value !== 'string') return `${name} must be a text`;
  if (type === 'pattern' && !isPattern(value)) return `${name} is not a valid regular expression`;
  if (type === 'key' && !/^[A-Za-z0-9-]{1,20}$/.test(value))
    return `${name} is not a key in tmux's words, such as C-u or Escape`;
  return undefined;
}

function isPattern(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    return false;
  }
}

/** The first fault that is found. */
function first<T>(list: readonly T[], wrong: (one: T) => string | undefined): string | undefined {
  for (const one of list) {
    const found = wrong(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
