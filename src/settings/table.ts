import { LIMITS } from '../job/limits.ts';
import type { AgentConfig } from './agent-config.ts';
import type { Hosts } from './hosts-config.ts';

/** What a server is for: a supervisor delegates, a peer only reports. */
export const ROLES = ['supervisor', 'peer'] as const;
export type Role = (typeof ROLES)[number];

/** The kinds of values, and the type of each. How they are read: kinds.ts. */
export interface ValueOf {
  text: string;
  url: string;
  /** Absolute once read. A relative one is relative to the file's project or `MAM_HOME`, else to the working folder. */
  path: string;
  /** A level of a topic. */
  word: string;
  /** The name of a hub. */
  host: string;
  /** A name as `tmux -L` takes it. */
  socket: string;
  seconds: number;
  count: number;
  switch: boolean;
  role: Role;
  /** A text for `sh -c`, or a program with its arguments. */
  command: string | readonly string[];
  agents: Record<string, AgentConfig>;
  hosts: Hosts;
}

/** Who receives a setting from us: a hub, the server of an agent that we start, or a server that an MCP client starts. */
type Receiver = 'hub' | 'agent' | 'client';

/** One setting. Everything else about settings is derived from this. */
export interface Setting {
  readonly env?: string;
  /** An earlier name of the variable, read if `env` is not set. */
  readonly oldEnv?: string;
  readonly key?: string;
  readonly kind: keyof ValueOf;
  readonly default?: ValueOf[keyof ValueOf];
  /** The default in words, if it is decided elsewhere. */
  readonly preset?: string;
  /** A number must be greater than this; without it, 0 or greater. */
  readonly moreThan?: number;
  /** What it is, for docs/settings.md. */
  readonly about: string;
  /** `secret` is never shown; `private` is left out of bug reports. */
  readonly shown?: 'secret' | 'private';
  /**
   * What a project's file may set before `mam trust`: nothing that runs a program, names an address, a socket or a folder
   * outside of the project, or lifts a limit. `free`: any value. `inside`: a folder inside the project. `stricter`: counts
   * only if lower than the user's own, trusted or not. `never`: only the user's own counts, even after `mam trust`. Absent:
   * the setting needs trust.
   */
  readonly inProject?: 'free' | 'inside' | 'stricter' | 'never';
  readonly handedTo: readonly Receiver[];
  /** It decides which hub, registry or tmux server is found. */
  readonly isPlace?: true;
}

/**
 * Every setting, by its name in `Settings`, in the order of docs/settings.md. A new hub takes its starter's settings. An agent
 * gets its settings on a command line, so no secret is handed to it.
 */
export const SETTINGS = {
  home: {
    env: 'MAM_HOME',
    kind: 'path',
    preset: '`~/.mam`',
    about: "folder of the user's hub",
    handedTo: ['hub', 'agent', 'client'],
    isPlace: true,
  },
  registryDir: {
    env: 'MAM_REGISTRY_DIR',
    key: 'registry_dir',
    kind: 'path',
    preset: "`jobs` in the project's `.mam`",
    about: 'folder of the jobs; the flag is `--registry-dir`',
    inProject: 'inside',
    handedTo: ['agent', 'client'],
    isPlace: true,
  },
  logsDir: {
    env: 'MAM_LOGS_DIR',
    oldEnv: 'DELEGATE_JOB_LOGS_DIR',
    key: 'logs_dir',
    kind: 'path',
    preset: "the job's own folder",
    about: 'folder for a copy of the journal, the last screen and the validation output of each job',
    inProject: 'inside',
    handedTo: ['agent', 'client'],
  },
  worktrees: {
    env: 'MAM_WORKTREES',
    key: 'worktrees',
    kind: 'path',
    preset: 'beside the repository',
    about:
      'folder for the git worktrees of jobs, outside of their repositories; each repository has its own in it',
    handedTo: ['agent', 'client'],
  },
  brokerUrl: {
    env: 'MAM_BROKER_URL',
    key: 'broker_url',
    kind: 'url',
    preset: 'the embedded broker',
    about:
      'an external broker: `mqtt://`, `mqtts://`, `ws://` or `wss://`; a list with commas for the nodes of a cluster, which are tried in turn',
    handedTo: ['hub', 'agent', 'client'],
    isPlace: true,
  },
  brokerUsername: {
    env: 'MAM_BROKER_USERNAME',
    key: 'broker_username',
    kind: 'text',
    preset: 'from the URL',
    about: 'user name for the broker',
    shown: 'private',
    handedTo: ['hub', 'agent', 'client'],
    isPlace: true,
  },
  brokerPassword: {
    env: 'MAM_BROKER_PASSWORD',
    key: 'broker_password',
    kind: 'text',
    preset: 'from the URL',
    about: 'password for the broker',
    shown: 'secret',
    handedTo: ['hub', 'client'],
    isPlace: true,
  },
  brokerCa: {
    env: 'MAM_BROKER_CA',
    key: 'broker_ca',
    kind: 'path',
    preset: "Node's own CAs",
    about: "PEM file of the CA that signed the broker's certificate",
    handedTo: ['hub', 'agent', 'client'],
    isPlace: true,
  },
  brokerCert: {
    env: 'MAM_BROKER_CERT',
    key: 'broker_cert',
    kind: 'path',
    preset: 'none',
    about: 'PEM file of the client certificate, for a broker that requires one; with its key',
    handedTo: ['hub', 'agent', 'client'],
    isPlace: true,
  },
  brokerKey: {
    env: 'MAM_BROKER_KEY',
    key: 'broker_key',
    kind: 'path',
    preset: 'none',
    about: 'PEM file of the key of that certificate, without a passphrase',
    handedTo: ['hub', 'agent', 'client'],
    isPlace: true,
  },
  brokerPlain: {
    env: 'MAM_BROKER_PLAIN',
    key: 'broker_plain',
    kind: 'switch',
    default: false,
    about:
      "1, or true in a file, allows `mqtt://` and `ws://`, which are not encrypted, to another machine. In files only the user's own counts",
    inProject: 'never',
    handedTo: ['hub', 'agent', 'client'],
  },
  realm: {
    env: 'MAM_REALM',
    key: 'realm',
    kind: 'word',
    default: 'default',
    about: 'first level of the topics, after `mam/v1`',
    handedTo: ['hub', 'agent', 'client'],
    isPlace: true,
  },
  brokerPublic: {
    key: 'broker_public',
    kind: 'switch',
    preset: 'true while `hosts` is empty, else false',
    about:
      "whether an external broker carries jobs and reports for other programs ([docs/protocol.md](protocol.md)). Only the user's own counts",
    inProject: 'never',
    handedTo: [],
  },
  host: {
    env: 'MAM_HOST',
    key: 'host',
    kind: 'host',
    preset: 'the name of the machine, with a hash of the user and `MAM_HOME`',
    about: "name of this hub for other machines: a-z, 0-9 and -. In files only the user's own counts",
    inProject: 'never',
    handedTo: ['hub', 'agent', 'client'],
    isPlace: true,
  },
  hosts: {
    // Not in the environment: what others may do here is said in one place.
    key: 'hosts',
    kind: 'hosts',
    default: {},
    about:
      "other machines whose hubs this one may ask, and what each of them may ask of this one. Only the user's own counts",
    // It has names of machines and users.
    shown: 'private',
    inProject: 'never',
    handedTo: [],
  },
  hostGraceSeconds: {
    env: 'MAM_HOST_GRACE_SECONDS',
    key: 'host_grace_seconds',
    kind: 'seconds',
    default: 30,
    about: 'how long another machine may be away before a supervisor that waits for a job there is told',
    inProject: 'never',
    handedTo: ['hub', 'client'],
  },
  trustRealm: {
    key: 'trust_realm',
    kind: 'switch',
    default: false,
    about:
      "true: other machines are believed to be who they say they are, on a broker that does not check it. Only the user's own counts",
    inProject: 'never',
    handedTo: [],
  },
  tmuxServerName: {
    env: 'TMUX_SERVER_NAME',
    key: 'tmux_server_name',
    kind: 'socket',
    preset: 'the tmux server it runs in, else the default one',
    about: 'tmux server of the agent sessions, as in `tmux -L`',
    handedTo: ['agent', 'client'],
    isPlace: true,
  },
  role: {
    env: 'MAM_ROLE',
    kind: 'role',
    default: 'supervisor',
    about: '`peer`: the server offers only the tools for peers',
    handedTo: ['client'],
  },
  channel: {
    env: 'MAM_CHANNEL',
    kind: 'switch',
    default: false,
    about: '1: the server is a channel of Claude Code ([channels](clients.md#claude-codes-channels))',
    handedTo: [],
  },
  toolTimeoutSeconds: {
    env: 'MAM_TOOL_TIMEOUT_SECONDS',
    key: 'tool_timeout_seconds',
    kind: 'seconds',
    moreThan: 0,
    preset: 'by client: Claude Code 6 h, Codex 280 s, Gemini CLI 570 s, others 50 s',
    about: 'how long the MCP client lets one call run; `wait_job` answers before that',
    inProject: 'free',
    // `mam install` gives each client its own.
    handedTo: [],
  },
  hubIdleSeconds: {
    env: 'MAM_HUB_IDLE_SECONDS',
    key: 'hub_idle_seconds',
    kind: 'seconds',
    default: 60,
    about:
      'how long a hub without clients and open jobs keeps running; without effect while `hosts` has a machine that is reached over the broker, or that may ask something of this one there',
    inProject: 'never',
    handedTo: ['hub', 'client'],
  },
  hubEventsPerMinute: {
    env: 'MAM_HUB_EVENTS_PER_MINUTE',
    key: 'hub_events_per_minute',
    kind: 'count',
    default: LIMITS.eventsPerMinute,
    about:
      'progress events that the hub records per job and minute, with bursts of twice that; more are refused. 0: no limit, and none on what a journal keeps. Read when the hub starts',
    inProject: 'never',
    handedTo: ['hub', 'client'],
  },
  maxDepth: {
    env: 'MAM_MAX_DEPTH',
    key: 'max_depth',
    kind: 'count',
    default: LIMITS.maxDepth,
    about: 'how deep peers may delegate further; 0: not at all',
    inProject: 'stricter',
    handedTo: ['agent', 'client'],
  },
  maxOpenJobs: {
    env: 'MAM_MAX_OPEN_JOBS',
    key: 'max_open_jobs',
    kind: 'count',
    default: LIMITS.maxOpenJobs,
    about: "open jobs per supervisor session; a person's shells outside of tmux count as one session",
    inProject: 'stricter',
    handedTo: ['agent', 'client'],
  },
  maxNewSessions: {
    env: 'MAM_MAX_NEW_SESSIONS',
    key: 'max_new_sessions',
    kind: 'count',
    default: LIMITS.maxNewSessions,
    about:
      'how many sessions that are started for one job each (`session: "new"`) may be in use at once, for each agent kind; further jobs wait',
    inProject: 'stricter',
    handedTo: ['agent', 'client'],
  },
  onEvent: {
    // Not in the environment: it may be set by a project, and would be inherited by agents.
    key: 'on_event',
    kind: 'command',
    preset: 'none',
    about:
      "command that the hub runs when a job needs someone or is final, with the event as JSON on its standard input: a text for `sh -c`, or a list of a program and its arguments ([docs/how-to/notifications.md](how-to/notifications.md)). Only the user's own counts, and the hub reads it for each event",
    // Its words may contain a secret address.
    shown: 'private',
    inProject: 'never',
    handedTo: [],
  },
  agents: {
    key: 'agents',
    kind: 'agents',
    default: {},
    about:
      'agent kinds of your own, profiles, and changes to the built-in kinds ([docs/agents.md](agents.md#by-configuration))',
    handedTo: [],
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** What mam puts into the environment of a check; these are not settings. */
export const CHECK_VARIABLES = { jobFolder: 'MAM_JOB_DIR', mark: 'MAM_CHECK' } as const;
/** The same for the script that sets up a worktree. */
export const WORKTREE_VARIABLES = {
  folder: 'MAM_WORKTREE',
  branch: 'MAM_BRANCH',
  base: 'MAM_BASE',
} as const;
/** The same for a merge and its hooks, so that they are known for ours after a crash. */
export const MERGE_VARIABLES = { mark: 'MAM_MERGE' } as const;
/** The same for the `on_event` command. */
export const ON_EVENT_VARIABLES = { event: 'MAM_EVENT', summary: 'MAM_SUMMARY' } as const;
/** The names of all of them. */
export const NO_SETTINGS: readonly string[] = [
  CHECK_VARIABLES,
  WORKTREE_VARIABLES,
  MERGE_VARIABLES,
  ON_EVENT_VARIABLES,
].flatMap(Object.values);

type Field = keyof typeof SETTINGS;
type Row<F extends Field> = (typeof SETTINGS)[F];

/** The settings of one source, such as the environment or a file. */
export type Given = { -readonly [F in Field]?: ValueOf[Row<F>['kind']] | undefined };

export type Values = {
  [F in Field]: ValueOf[Row<F>['kind']] | (Row<F> extends { default: unknown } ? never : undefined);
};

/** All settings, each with its name in `Settings`. */
export const ALL_SETTINGS: readonly (Setting & { readonly field: Field })[] = (
  Object.keys(SETTINGS) as Field[]
).map((field) => ({ field, ...SETTINGS[field] }));

/**
 * Settings as a sentence names them: the variables, and the keys of the user's file, since a hub that the system starts has
 * no variables of a shell.
 */
export function namesInWords(...fields: readonly Field[]): string {
  const rows: Setting[] = fields.map((field) => SETTINGS[field]);
  const variables = inWords(rows.flatMap(({ env = [] }) => env));
  return `${variables} (${inWords(rows.flatMap(({ key = [] }) => key))} in MAM_HOME/config.json)`;
}

/** Such as `A, B and C`. */
function inWords(names: readonly string[]): string {
  return names.join(', ').replace(/, ([^,]+)$/, ' and $1');
}

/** A setting's names in the environment, in order of precedence. */
export function namesOf({ env, oldEnv }: Setting): string[] {
  return [env, oldEnv].filter((name) => name !== undefined);
}
