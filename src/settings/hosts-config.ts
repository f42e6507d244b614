import { isAbsolute } from 'node:path';
import { isObject } from '../base/json.ts';

/** How another machine's hub is reached, and what it may ask of this one. */
interface HostConfig {
  /** Destination for `ssh`. Absent: it is reached over the broker. */
  ssh?: string | undefined;
  /** How mam is called there, if it is not on the PATH of a session without a terminal. */
  mam?: string | undefined;
  /** Absent: nothing. */
  may?: MayConfig | undefined;
}

/** What another hub may ask of this one, with a value for every key that has a default. */
export interface MayConfig {
  /** Delegate jobs, and read, answer, cancel and verify those. */
  delegate: boolean;
  /** Kinds of agents it may delegate to. Absent: every kind that is known here; empty: none. */
  agents?: string[] | undefined;
  /** Sessions it may name, such as `tmux:codex`. Absent: only the default session of a kind; empty: none. */
  sessions?: string[] | undefined;
  /** Absolute folders; it may name these and what is in them, and the first is used if it names none. Empty: no job is taken. */
  workdirs: string[];
  /** Start and stop agents. */
  start: boolean;
  /** Check its jobs with a script that is here: any, or one in these absolute folders. */
  validate: boolean | string[];
  /** Answer its jobs' permission requests. */
  decide: boolean;
  /** List only its own jobs, or all jobs of this hub. */
  see: 'own' | 'all';
  /** Its open jobs here. */
  max_open_jobs: number;
}

/** The other machines, by the names of their hubs. */
export type Hosts = Record<string, HostConfig>;

/** The name of a hub: a level of a topic, and its user name at a broker. */
export const HOST_NAME = /^[a-z0-9-]{1,40}$/;

/**
 * True if other hubs are reached over the broker, or may ask something of this one there: then nobody else can start the
 * hub when they need it, so it must not end while it is idle.
 */
export function staysUp({ broker, hosts }: { broker?: unknown; hosts: Hosts }): boolean {
  return (
    broker !== undefined &&
    Object.values(hosts).some(({ ssh, may }) => ssh === undefined || may !== undefined)
  );
}

const NOTHING: MayConfig = {
  delegate: false,
  workdirs: [],
  start: false,
  validate: false,
  decide: false,
  see: 'own',
  // Enough for a person's work, and too few to fill a machine.
  max_open_jobs: 10,
};

const HOST_KEYS = ['ssh', 'mam', 'may'] as const;

/** What is wrong with a value of each key of `may`, as the end of a sentence. */
const MAY: Readonly<Record<keyof MayConfig, (value: unknown) => string | undefined>> = {
  delegate: wrongSwitch,
  agents: wrongTexts,
  sessions: wrongTexts,
  workdirs: wrongFolders,
  start: wrongSwitch,
  validate: (value) =>
    typeof value === 'boolean' || (Array.isArray(value) && wrongFolders(value) === undefined)
      ? undefined
      : 'must be true, false or a list of absolute folders',
  decide: wrongSwitch,
  see: (value) => (value === 'own' || value === 'all' ? undefined : 'must be "own" or "all"'),
  max_open_jobs: (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? undefined
      : 'must be a whole number, 0 or greater',
};

export const HOSTS_HINT = `A host has: ${HOST_KEYS.join(', ')}; its may has: ${Object.keys(MAY).join(', ')}.`;

/** What is wrong with the hosts of a `config.json`, without the final period. @param name of the setting */
export function wrongHosts(name: string, value: unknown): string | undefined {
  if (!isObject(value)) return `${name} must be an object`;
  for (const [host, config] of Object.entries(value)) {
    const at = `${name}.${host}`;
    if (!HOST_NAME.test(host))
      return `${name} has ${JSON.stringify(host)}, which is not a host name: only a-z, 0-9 and -, at most 40 characters`;
    if (!isObject(config)) return `${at} must be an object`;
    for (const [key, one] of Object.entries(config)) {
      const wrong = wrongKey(key, one);
      if (wrong !== undefined) return `${at}${wrong}`;
    }
  }
  return undefined;
}

/** @returns the rest of a sentence that begins with the host's place in the file */
function wrongKey(key: string, value: unknown): string | undefined {
  if (key === 'may') return wrongMay(value);
  if (key !== 'ssh' && key !== 'mam') return ` has the unknown field ${JSON.stringify(key)}`;
  // ssh reads a word that begins with "-" as an option, also after the destination.
  const pattern = key === 'ssh' ? /^[^-\s\p{Cc}][^\s\p{Cc}]{0,254}$/u : /^[^-\s\p{Cc}][^\p{Cc}]{0,999}$/u;
  if (typeof value === 'string' && pattern.test(value)) return undefined;
  return key === 'ssh'
    ? '.ssh must be a destination for ssh, such as me@hostb.lan, without spaces and not beginning with -'
    : '.mam must be a command, such as /opt/mam/bin/mam, not beginning with -';
}

function wrongMay(value: unknown): string | undefined {
  if (!isObject(value)) return '.may must be an object';
  for (const [key, one] of Object.entries(value)) {
    if (!Object.hasOwn(MAY, key)) return `.may has the unknown field ${JSON.stringify(key)}`;
    const wrong = MAY[key as keyof MayConfig](one);
    if (wrong !== undefined) return `.may.${key} ${wrong}`;
  }
  return undefined;
}

function wrongSwitch(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'must be true or false';
}

function wrongTexts(value: unknown): string | undefined {
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '');
  return isList ? undefined : 'must be a list of strings';
}

function wrongFolders(value: unknown): string | undefined {
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string' && isAbsolute(one));
  return isList ? undefined : 'must be a list of absolute folders';
}

/** The hosts of a file, with the defaults of each `may`. @param given valid by `wrongHosts` */
export function withDefaults(given: Record<string, { may?: Partial<MayConfig> }>): Hosts {
  return Object.fromEntries(
    Object.entries(given).map(([host, { may, ...way }]) => [
      host,
      may === undefined ? way : { ...way, may: { ...NOTHING, ...may } },
    ]),
  );
}
