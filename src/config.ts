import { existsSync, readFileSync } from 'node:fs';
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentConfig, ConfigFile } from './config-file.ts';
import { MamError } from './errors.ts';
import { LIMITS } from './job/limits.ts';
import { findProjectFolder, PROJECT_FOLDER } from './project.ts';

/** Linux cuts a longer socket path silently (108 bytes, macOS 104), so two deep homes could share one socket. */
const MAX_SOCKET_PATH_BYTES = 100;
/** How long a hub without clients and without open jobs stays, in seconds. */
const HUB_IDLE_SECONDS = 60;

/** An external broker. `password` never reaches a log, a record, an error or a command line. */
export interface BrokerSettings {
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  /** Path of a CA certificate. */
  ca?: string | undefined;
}

/** Everything that flags, environment and configuration files decide. Paths are absolute. */
export interface Settings {
  home: string;
  socketPath: string;
  projectFolder: string;
  registryDir: string;
  logsDir?: string | undefined;
  broker?: BrokerSettings | undefined;
  realm: string;
  host: string;
  tmuxSocket: string;
  /** As given to `tmux -L`, for the words that a person shall type. */
  tmuxServerName?: string | undefined;
  role: 'supervisor' | 'peer';
  /** The server is a channel of Claude Code. */
  channel: boolean;
  toolTimeoutSeconds?: number | undefined;
  hubIdleSeconds: number;
  /** What a job's peer may say without need; 0 lifts it. Decided where the hub runs. */
  hubEventsPerMinute: number;
  /** How deep the delegations of peers may go; 0: peers delegate nothing. */
  maxDepth: number;
  /** Open jobs of one supervisor's session. */
  maxOpenJobs: number;
  agents: Record<string, AgentConfig>;
  cwd: string;
  pane?: string | undefined;
  /** Socket of the tmux that this process runs in. */
  paneSocket?: string | undefined;
  clientSession?: string | undefined;
  path?: string | undefined;
  virtualEnv?: string | undefined;
}

/** What a command line may decide before everything else. */
export interface SettingFlags {
  registryDir?: string | undefined;
  cwd?: string | undefined;
}

type Env = Record<string, string | undefined>;

/**
 * Settings by flag, then environment, then `.mam/config.json`, then `config.json` in `MAM_HOME`.
 * @throws MamError `bad_input` for a setting that can't be used, with the valid values
 */
export async function loadSettings(flags: SettingFlags = {}, env: Env = process.env): Promise<Settings> {
  const cwd = flags.cwd ?? workingFolder();
  const home = mamHome(env);
  const projectFolder = findProjectFolder(cwd, home, homedir());
  const file = {
    ...(await readConfig(home, home)),
    ...(await readConfig(projectFolder, dirname(projectFolder))),
  };

  const registry = flags.registryDir || env['MAM_REGISTRY_DIR'] || file.registry_dir;
  const logs = env['MAM_LOGS_DIR'] || env['DELEGATE_JOB_LOGS_DIR'] || file.logs_dir;
  const serverName = env['TMUX_SERVER_NAME'] || file.tmux_server_name || undefined;
  const insideTmux = env['TMUX']?.split(',')[0] || undefined;
  const { base } = tmuxFolder(env);
  return {
    home,
    socketPath: hubSocketPath(home),
    projectFolder,
    registryDir: registry ? resolve(cwd, registry) : join(projectFolder, 'jobs'),
    logsDir: logs ? resolve(cwd, logs) : undefined,
    broker: brokerSettings(env, file, cwd),
    realm: topicWord(env['MAM_REALM'] || file.realm || 'default', 'MAM_REALM'),
    host: hostId(home),
    tmuxSocket: serverName ? join(base, serverName) : (insideTmux ?? join(base, 'default')),
    tmuxServerName: serverName,
    role: role(env['MAM_ROLE']),
    channel: channel(env['MAM_CHANNEL']),
    toolTimeoutSeconds:
      seconds(env['MAM_TOOL_TIMEOUT_SECONDS'], 'MAM_TOOL_TIMEOUT_SECONDS') ?? file.tool_timeout_seconds,
    hubIdleSeconds:
      seconds(env['MAM_HUB_IDLE_SECONDS'], 'MAM_HUB_IDLE_SECONDS') ??
      file.hub_idle_seconds ??
      HUB_IDLE_SECONDS,
    hubEventsPerMinute:
      count(env['MAM_HUB_EVENTS_PER_MINUTE'], 'MAM_HUB_EVENTS_PER_MINUTE') ??
      file.hub_events_per_minute ??
      LIMITS.eventsPerMinute,
    maxDepth: count(env['MAM_MAX_DEPTH'], 'MAM_MAX_DEPTH') ?? file.max_depth ?? LIMITS.maxDepth,
    maxOpenJobs:
      count(env['MAM_MAX_OPEN_JOBS'], 'MAM_MAX_OPEN_JOBS') ?? file.max_open_jobs ?? LIMITS.maxOpenJobs,
    agents: file.agents ?? {},
    cwd,
    pane: insideTmux ? env['TMUX_PANE'] || undefined : undefined,
    paneSocket: insideTmux,
    clientSession: env['CLAUDE_CODE_SESSION_ID'] || undefined,
    path: env['PATH'],
    virtualEnv: env['VIRTUAL_ENV'],
  };
}

/** @throws MamError `unavailable` where the folder is gone */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new MamError('unavailable', 'The working directory is gone.', 'Change into one that is there.', {
      cause: error,
    });
  }
}

/** The folder of the user's hub, before any configuration is read. */
export function mamHome(env: Env = process.env): string {
  const home = env['MAM_HOME'];
  return home ? resolve(home) : join(homedir(), PROJECT_FOLDER);
}

/**
 * The environment for a process that must not inherit the caller's secrets or its tmux.
 * Only what a program needs to find its files, its language and its terminal folder.
 */
export function scrubbedEnvironment(env: Env = process.env): Record<string, string> {
  const names = [
    'HOME',
    'USER',
    'LOGNAME',
    'PATH',
    'SHELL',
    'LANG',
    'LC_ALL',
    'LC_CTYPE',
    'TZ',
    'TMPDIR',
    'TMUX_TMPDIR',
    'XDG_RUNTIME_DIR',
  ];
  const kept: Record<string, string> = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

/** The scrubbed environment with all that decides where a hub lives and whom it talks to. */
export function hubEnvironment(env: Env = process.env): Record<string, string> {
  const kept = scrubbedEnvironment(env);
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && /^MAM_(HOME|REALM|BROKER_|HUB_)/.test(name)) kept[name] = value;
  }
  return kept;
}

/**
 * The settings that an agent which we start must have as well, so that its server finds our hub. No secret is among
 * them: they stand on command lines.
 */
export function peerEnvironment(settings: Settings, env: Env = process.env): Record<string, string> {
  const kept: Record<string, string> = { MAM_HOME: settings.home };
  for (const name of [
    'MAM_REALM',
    'MAM_REGISTRY_DIR',
    'MAM_LOGS_DIR',
    'MAM_MAX_DEPTH',
    'MAM_MAX_OPEN_JOBS',
    'MAM_BROKER_USERNAME',
    'MAM_BROKER_CA',
    'TMUX_SERVER_NAME',
  ]) {
    const value = env[name];
    if (value) kept[name] = value;
  }
  const url = env['MAM_BROKER_URL'];
  if (url && !url.includes('@')) kept['MAM_BROKER_URL'] = url;
  return kept;
}

/**
 * Who a command line is: the agent that runs it, its pane, or a person. A person's shells outside of tmux are one: the
 * same key gives the same job in all of them.
 */
export function sessionOf({ clientSession, pane, paneSocket }: Settings): string {
  return clientSession ?? (pane === undefined ? 'cli' : `${paneSocket ?? ''}:${pane}`);
}

/** This program's command line, as program and arguments. */
export function mamProgram(): string[] {
  return [process.execPath, programPath()];
}

/** How a peer can call the command line: `mam` when that is on the PATH, else this program by its full path. */
export function mamCommand(settings: Settings): string {
  for (const folder of (settings.path ?? '').split(delimiter)) {
    if (folder !== '' && existsSync(join(folder, 'mam'))) return 'mam';
  }
  return `node ${programPath()}`;
}

/** Absolute path of the bundle's `main.js`. */
export function programPath(): string {
  const here = fileURLToPath(import.meta.url);
  // The bundle's parts lie beside or below its main.js; from the source (tests of single files) the bundle is in dist.
  for (let folder = dirname(here); ; folder = dirname(folder)) {
    const candidates = [join(folder, 'main.js'), join(folder, 'dist', 'main.js')];
    const found = candidates.find((candidate) => existsSync(candidate));
    if (found !== undefined) return found;
    if (folder === dirname(folder))
      throw new MamError('internal', 'The built program was not found.', 'Run npm run build.');
  }
}

/** The hub's socket: in `home`, or, where that path would be cut, in a short private folder of the user's. */
export function hubSocketPath(home: string): string {
  const natural = join(home, 'hub.sock');
  if (Buffer.byteLength(natural) < MAX_SOCKET_PATH_BYTES) return natural;
  return join(shortFolder(home), 'hub.sock');
}

/** The per-user folder that holds the socket of a home that is too deep. */
export function shortFolder(home: string): string {
  const { uid } = userInfo();
  return join(shortTemporaryFolder(), `mam-${uid}-${shortHash(home, 12)}`);
}

/** The temporary folder, unless that is itself too deep for a socket. */
function shortTemporaryFolder(): string {
  return Buffer.byteLength(tmpdir()) < 50 ? tmpdir() : '/tmp';
}

/** Where tmux keeps its sockets. */
function tmuxFolder(env: Env): { base: string } {
  const parent = env['TMUX_TMPDIR'] || '/tmp';
  return { base: join(parent, `tmux-${userInfo().uid}`) };
}

/** One id per hub: two homes on one machine must not answer each other's requests on a shared broker. */
function hostId(home: string): string {
  const name =
    hostname()
      .split('.')[0]
      ?.toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') ?? '';
  return `${name.slice(0, 40) || 'host'}-${shortHash(`${userInfo().uid}:${home}`, 6)}`;
}

/**
 * A short name for a long one: two FNV-1a hashes in hexadecimal. node:crypto would cost every short process more than
 * all the rest of the settings.
 */
function shortHash(text: string, length: number): string {
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (const byte of Buffer.from(text)) {
    low = Math.imul(low ^ byte, 0x01000193) >>> 0;
    high = Math.imul(high ^ byte ^ (low >>> 24), 0x01000193) >>> 0;
  }
  return (high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')).slice(0, length);
}

/** @param base what the relative paths in the file start from */
async function readConfig(folder: string, base: string): Promise<ConfigFile> {
  const path = join(folder, 'config.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return {};
  }
  // Loaded only where there is a file to check: zod costs a command line 15 ms.
  const { parseConfigFile } = await import('./config-file.ts');
  const file = parseConfigFile(path, text);
  for (const name of ['registry_dir', 'logs_dir', 'broker_ca'] as const) {
    if (file[name]) file[name] = resolve(base, file[name]);
  }
  return file;
}

function brokerSettings(env: Env, file: ConfigFile, cwd: string): BrokerSettings | undefined {
  const url = env['MAM_BROKER_URL'] || file.broker_url;
  if (!url) return undefined;
  let parsed: URL;
  let own: { username: string; password: string };
  try {
    parsed = new URL(url);
    own = { username: decodeURIComponent(parsed.username), password: decodeURIComponent(parsed.password) };
  } catch {
    throw brokerUrlError();
  }
  if (!['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(parsed.protocol) || parsed.hostname === '')
    throw brokerUrlError();
  // A file's user is not for a broker that the environment names together with its own.
  const first = env['MAM_BROKER_URL'] && own.username ? own : undefined;
  const ca = env['MAM_BROKER_CA'] || file.broker_ca;
  return {
    url: stripUser(parsed),
    username:
      env['MAM_BROKER_USERNAME'] || (first?.username ?? file.broker_username) || own.username || undefined,
    password:
      env['MAM_BROKER_PASSWORD'] || (first?.password ?? file.broker_password) || own.password || undefined,
    ca: ca ? resolve(cwd, ca) : undefined,
  };
}

function brokerUrlError(): MamError {
  return new MamError(
    'bad_input',
    'The broker URL is not one that can be used.',
    'Set MAM_BROKER_URL to mqtt://HOST:PORT, mqtts://HOST:PORT, ws://… or wss://…, or unset it for the built-in broker.',
  );
}

function stripUser(url: URL): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare.toString();
}

function topicWord(value: string, name: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(value)) return value;
  throw new MamError(
    'bad_input',
    `${name} may have only a-z, 0-9 and -, 64 characters at most.`,
    'Use a word such as team-a.',
  );
}

function role(value: string | undefined): 'supervisor' | 'peer' {
  if (value === undefined || value === '' || value === 'supervisor') return 'supervisor';
  if (value === 'peer') return 'peer';
  throw new MamError('bad_input', 'MAM_ROLE is neither supervisor nor peer.', 'Set it to peer, or unset it.');
}

function channel(value: string | undefined): boolean {
  if (value === undefined || value === '' || value === '0') return false;
  if (value === '1') return true;
  throw new MamError('bad_input', 'MAM_CHANNEL is neither 1 nor 0.', 'Set it to 1, or unset it.');
}

function seconds(value: string | undefined, name: string): number | undefined {
  if (value === undefined || value === '') return undefined;
  const number = Number(value);
  if (Number.isFinite(number) && number >= 0) return number;
  throw new MamError('bad_input', `${name} is not a number of seconds.`, `Set ${name}=300, for example.`);
}

function count(value: string | undefined, name: string): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new MamError('bad_input', `${name} is no whole number from 0 on.`, `Set ${name}=10, for example.`);
}
