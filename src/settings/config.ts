import { realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import { realPlace } from '../base/real-place.ts';
import { shellWord } from '../base/shell.ts';
import { knownUserHome, userHome, userId } from '../base/user-home.ts';
import { workingFolder } from '../base/working-folder.ts';
import { LIMITS } from '../job/limits.ts';
import { readForeign } from '../trust/files.ts';
import { checkOwnFolder, isOwn, whyForeign } from '../trust/owner.ts';
import type { AgentConfig, ConfigFile } from './config-file.ts';
import { hostId, hubSocketPath } from './hub-place.ts';
import { findProjectFolder, PROJECT_FOLDER } from './project.ts';
import { type Notice, readProjectConfig } from './project-config.ts';
import { count, oneOrZero, role, seconds, socketName, topicWord } from './setting-values.ts';

/** How long a hub without clients and without open jobs stays, in seconds. */
const HUB_IDLE_SECONDS = 60;

/** An external broker. `password` never reaches a log, a record, an error or a command line. */
export interface BrokerSettings {
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  /** Path of a CA certificate. */
  ca?: string | undefined;
  /** The user takes it upon himself that others on the network read and change what goes over it. */
  plain?: boolean | undefined;
}

/** Everything that flags, environment and configuration files decide. Paths are absolute. */
export interface Settings {
  home: string;
  socketPath: string;
  projectFolder: string;
  /** What a project's file asks for and does not get; absent when all of it counts. */
  ignored?: Notice | undefined;
  /** The project's file, where its broker or realm is in force. */
  brokerFile?: string | undefined;
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
  /** Identity of the pane: its socket, the process of its tmux server (which gives ids anew), and its id. */
  place?: string | undefined;
  clientSession?: string | undefined;
  path?: string | undefined;
  virtualEnv?: string | undefined;
}

/** What a command line may decide before everything else. */
export interface SettingFlags {
  registryDir?: string | undefined;
  cwd?: string | undefined;
}

/** Environment variables, as a process has them. */
export type Env = Record<string, string | undefined>;

/**
 * Settings by flag, then environment, then `.mam/config.json`, then `config.json` in `MAM_HOME`.
 * @throws MamError `bad_input` for a setting that can't be used, with the valid values
 */
export async function loadSettings(flags: SettingFlags = {}, env: Env = process.env): Promise<Settings> {
  const cwd = flags.cwd ?? workingFolder();
  checkHome(namedHome(env));
  const home = mamHome(env);
  const projectFolder = findProjectFolder(cwd, home, knownUserHome());
  const own = await readOwnConfig(home);
  const project = await readProjectConfig(projectFolder, home);
  const inProject = inFolder(project.values, dirname(projectFolder));
  const file = { ...own, ...inProject };

  const chosen = flags.registryDir || env['MAM_REGISTRY_DIR'];
  const registryDir = chosen
    ? // A link of the user's own is meant to be followed.
      realPlace(resolve(cwd, chosen))
    : (inProject.registry_dir ??
      (own.registry_dir ? realPlace(own.registry_dir) : join(projectFolder, 'jobs')));
  const logs = env['MAM_LOGS_DIR'] || env['DELEGATE_JOB_LOGS_DIR'] || file.logs_dir;
  const serverName = socketName(env['TMUX_SERVER_NAME'] || file.tmux_server_name || undefined);
  const insideTmux = env['TMUX']?.split(',')[0] || undefined;
  const sockets = tmuxFolder(env);
  return {
    home,
    socketPath: hubSocketPath(home, env['XDG_RUNTIME_DIR']),
    projectFolder,
    ignored: project.notice,
    brokerFile:
      (inProject.broker_url && !env['MAM_BROKER_URL']) || (inProject.realm && !env['MAM_REALM'])
        ? project.path
        : undefined,
    registryDir,
    logsDir: logs ? realPlace(resolve(cwd, logs)) : undefined,
    broker: brokerSettings(env, own, inProject, cwd),
    realm: topicWord(env['MAM_REALM'] || file.realm || 'default', 'MAM_REALM'),
    host: hostId(home),
    tmuxSocket: serverName ? join(sockets, serverName) : (insideTmux ?? join(sockets, 'default')),
    tmuxServerName: serverName,
    role: role(env['MAM_ROLE']),
    channel: oneOrZero(env['MAM_CHANNEL'], 'MAM_CHANNEL'),
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
    maxDepth: lower(
      count(env['MAM_MAX_DEPTH'], 'MAM_MAX_DEPTH') ?? own.max_depth ?? LIMITS.maxDepth,
      inProject.max_depth,
    ),
    maxOpenJobs: lower(
      count(env['MAM_MAX_OPEN_JOBS'], 'MAM_MAX_OPEN_JOBS') ?? own.max_open_jobs ?? LIMITS.maxOpenJobs,
      inProject.max_open_jobs,
    ),
    agents: file.agents ?? {},
    cwd,
    pane: insideTmux ? env['TMUX_PANE'] || undefined : undefined,
    paneSocket: insideTmux,
    place: placeOf(env),
    clientSession: env['CLAUDE_CODE_SESSION_ID'] || undefined,
    path: env['PATH'],
    virtualEnv: env['VIRTUAL_ENV'],
  };
}

/**
 * The folder of the user's hub, before any configuration is read: where it really lies, so that all who name it in
 * their own way find the same hub.
 * @throws MamError as `userHome`, where `MAM_HOME` is not set
 */
export function mamHome(env: Env = process.env): string {
  return realPlace(namedHome(env));
}

/** The same as the user names it. */
function namedHome(env: Env): string {
  const home = env['MAM_HOME'];
  return home ? resolve(home) : join(userHome(), PROJECT_FOLDER);
}

/** The same with the pane that it runs in. */
export function ownerOf(settings: Settings): { session: string; place: string | undefined } {
  return { session: sessionOf(settings), place: settings.place };
}

function placeOf({ TMUX: tmux, TMUX_PANE: pane }: Env): string | undefined {
  const [socket, server] = tmux?.split(',') ?? [];
  return socket && server && pane ? [socket, server, pane].join(',') : undefined;
}

/**
 * Who a command line is: the agent that runs it, its pane, or a person. A person's shells outside of tmux are one: the
 * same key gives the same job in all of them.
 */
export function sessionOf({ clientSession, pane, paneSocket }: Settings): string {
  return clientSession ?? (pane === undefined ? 'cli' : `${paneSocket ?? ''}:${pane}`);
}

/** Where tmux keeps its sockets, as tmux itself names it: links resolved. The hub has another working directory. */
function tmuxFolder(env: Env): string {
  return join(realPlace(resolve(env['TMUX_TMPDIR'] || '/tmp')), `tmux-${userId()}`);
}

/** A project can make a limit stricter, not lift it. */
function lower(limit: number, project: number | undefined): number {
  return project === undefined ? limit : Math.min(limit, project);
}

/** @throws MamError `refused` where another user could decide what is in `MAM_HOME` */
function checkHome(home: string): void {
  // What is missing is made when it is needed; where something else stands, that says so.
  if (!isFolder(home)) return;
  const fix = isOwn(statSync(home)) ? `Run \`chmod go-w ${shellWord(home)}\`, or set` : 'Set';
  checkOwnFolder(home, `${fix} MAM_HOME to a folder of your own.`);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** @throws MamError `bad_input` for a setting that can't be used, `refused` for a file that others can write */
async function readOwnConfig(home: string): Promise<ConfigFile> {
  const path = join(home, 'config.json');
  let text: string;
  try {
    text = ownConfigText(home);
  } catch (error) {
    if (error instanceof MamError) throw error;
    return {};
  }
  // Loaded only where there is a file to check: zod costs a command line 15 ms.
  const { parseConfigFile } = await import('./config-file.ts');
  return inFolder(parseConfigFile(path, text), home);
}

/**
 * The text of the `config.json` in `MAM_HOME`.
 * @throws MamError `refused` for one that others can write; the system's error where it can't be read
 */
export function ownConfigText(home: string): string {
  const path = join(home, 'config.json');
  // A link of the user's is followed: people keep their configuration in one place.
  const real = realpathSync(path);
  const why = whyForeign(statSync(real));
  // In a folder that nobody else can enter, nobody else can reach the file, whatever its mode.
  const isClosed = real === join(realpathSync(home), 'config.json') && (statSync(home).mode & 0o077) === 0;
  if (why !== undefined && !(isClosed && !why.startsWith('belongs'))) {
    throw new MamError(
      'refused',
      `${path} ${why}, so it is not obeyed.`,
      `Run \`chmod go-w ${shellWord(real)}\`, or remove it.`,
    );
  }
  return readForeign(real);
}

/** The settings with the relative paths among them made absolute. */
function inFolder(file: ConfigFile, base: string): ConfigFile {
  const placed = { ...file };
  for (const name of ['registry_dir', 'logs_dir', 'broker_ca'] as const) {
    if (placed[name]) placed[name] = resolve(base, placed[name]);
  }
  return placed;
}

/**
 * The broker, with user and password from where its address comes from: what a file says is for the broker that the
 * file names, what the environment says for one that the user names, here or in `MAM_HOME`.
 */
function brokerSettings(
  env: Env,
  own: ConfigFile,
  project: ConfigFile,
  cwd: string,
): BrokerSettings | undefined {
  const fromEnv = env['MAM_BROKER_URL'] || undefined;
  const plain = oneOrZero(env['MAM_BROKER_PLAIN'], 'MAM_BROKER_PLAIN') && { plain: true };
  if (fromEnv !== undefined) return { ...brokerOf(fromEnv, env, {}, cwd), ...plain };
  if (project.broker_url) return { ...brokerOf(project.broker_url, {}, project, cwd), ...plain };
  return own.broker_url ? { ...brokerOf(own.broker_url, env, own, cwd), ...plain } : undefined;
}

/** @param env, file what may give the user and the password for this address */
function brokerOf(url: string, env: Env, file: ConfigFile, cwd: string): BrokerSettings {
  let parsed: URL;
  let inUrl: { username: string; password: string };
  try {
    parsed = new URL(url);
    inUrl = { username: decodeURIComponent(parsed.username), password: decodeURIComponent(parsed.password) };
  } catch {
    throw brokerUrlError();
  }
  if (!['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(parsed.protocol) || parsed.hostname === '')
    throw brokerUrlError();
  const ca = env['MAM_BROKER_CA'] || file.broker_ca;
  return {
    url: stripUser(parsed),
    username: env['MAM_BROKER_USERNAME'] || file.broker_username || inUrl.username || undefined,
    password: env['MAM_BROKER_PASSWORD'] || file.broker_password || inUrl.password || undefined,
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
