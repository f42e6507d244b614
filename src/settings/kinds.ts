import { MamError } from '../base/errors.ts';
import { AGENT_HINT, wrongAgents } from './agent-config.ts';
import { HOST_NAME, HOSTS_HINT, wrongHosts } from './hosts-config.ts';
import { ROLES, type Setting, type ValueOf } from './table.ts';

interface Reading {
  /** An empty text counts as unset. */
  mayBeEmpty?: true;
  /** Converts a variable's text; without it the text itself is the value. */
  fromText?(text: string): unknown;
  /** What is wrong with a value, without the final period. @param name as the user has written it */
  wrong(name: string, value: unknown, setting: Setting): string | undefined;
  /** What to write instead, as a sentence. */
  hint: string;
}

/** A string, optionally with a condition and what to say if it is not met. */
function text(hint: string, looksRight: (value: string) => boolean = () => true, otherwise = ''): Reading {
  return {
    mayBeEmpty: true,
    hint,
    wrong: (name, value) => {
      if (typeof value !== 'string') return `${name} must be a string`;
      return looksRight(value) ? undefined : `${name} ${otherwise}`;
    },
  };
}

const PLAIN = text('Put it in quotation marks.');

const READINGS: Readonly<Record<keyof ValueOf, Reading>> = {
  text: PLAIN,
  url: PLAIN,
  path: PLAIN,
  word: text(
    'Use a word such as team-a.',
    (value) => /^[a-z0-9][a-z0-9-]{0,63}$/.test(value),
    'may have only a-z, 0-9 and -, at most 64 characters',
  ),
  host: text(
    'Use a name such as hosta.',
    (value) => HOST_NAME.test(value),
    'may have only a-z, 0-9 and -, at most 40 characters',
  ),
  // With a slash, it could lead to any socket.
  socket: text(
    'Use a name as for `tmux -L`, without a slash.',
    (value) => /^[^/\0]{1,80}$/.test(value) && value !== '.' && value !== '..',
    'is not the name of a tmux socket',
  ),
  role: text(
    `Set it to ${ROLES.join(' or ')}, or unset it.`,
    (value) => ROLES.some((role) => role === value),
    `must be ${ROLES.join(' or ')}`,
  ),
  seconds: {
    fromText: Number,
    wrong(name, value, { moreThan }) {
      if (typeof value !== 'number' || !Number.isFinite(value)) return `${name} must be a number of seconds`;
      if (moreThan !== undefined)
        return value > moreThan ? undefined : `${name} must be more than ${moreThan}`;
      return value >= 0 ? undefined : `${name} must be at least 0`;
    },
    hint: 'Use a number such as 300.',
  },
  count: {
    fromText: (digits) => (/^\d{1,9}$/.test(digits) ? Number(digits) : digits),
    wrong: (name, value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
        ? undefined
        : `${name} must be a whole number, 0 or greater`,
    hint: 'Use a number such as 10.',
  },
  switch: {
    fromText: (digit) => (digit === '1' ? true : digit === '0' ? false : digit),
    wrong: (name, value, { env }) =>
      typeof value === 'boolean' ? undefined : `${name} must be ${name === env ? '1 or 0' : 'true or false'}`,
    hint: 'Set it to 1 (in a file: true), or unset it.',
  },
  command: {
    mayBeEmpty: true,
    wrong(name, value) {
      if (typeof value === 'string') return value.includes('\0') ? `${name} has a NUL character` : undefined;
      if (!Array.isArray(value)) return `${name} must be a string or a list of strings`;
      if (value.length === 0 || value[0] === '') return `${name} must begin with a program`;
      if (!value.every((word) => typeof word === 'string')) return `${name} must be a list of strings`;
      return value.some((word) => word.includes('\0')) ? `${name} has a NUL character` : undefined;
    },
    hint: 'Use a text for `sh -c`, such as "notify-send mam", or a list such as ["/home/me/notify", "mam"].',
  },
  agents: { wrong: wrongAgents, hint: AGENT_HINT },
  hosts: { wrong: wrongHosts, hint: HOSTS_HINT },
};

/** A variable's value; an empty one is unset. @throws MamError `bad_input` without the value, which may be a secret */
export function readText(setting: Setting, name: string, value: string | undefined): unknown {
  if (value === undefined || value === '') return undefined;
  const { fromText = (plain: string): unknown => plain } = READINGS[setting.kind];
  return checked(setting, name, fromText(value));
}

/** A setting's value in the `config.json` at `path`; an empty text is unset. @throws as `readText` */
export function readJson(setting: Setting, path: string, value: unknown): unknown {
  if (value === '' && READINGS[setting.kind].mayBeEmpty) return undefined;
  return checked(setting, `${path}: ${setting.key}`, value);
}

function checked(setting: Setting, name: string, value: unknown): unknown {
  const { wrong, hint } = READINGS[setting.kind];
  const what = wrong(name, value, setting);
  if (what !== undefined) throw new MamError('bad_input', `${what}.`, hint);
  return value;
}
