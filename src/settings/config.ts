import { realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { realPlace } from '../base/real-place.ts';
import { shellWord } from '../base/shell.ts';
import { knownUserHome, userHome, userId } from '../base/user-home.ts';
import { workingFolder } from '../base/working-folder.ts';
import { readForeign } from '../trust/files.ts';
import { checkOwnFolder, isOwn, whyForeign } from '../trust/owner.ts';
import { type BrokerSettings, brokerSettings } from './broker-settings.ts';
import { parseConfigFile } from './config-file.ts';
import type { Hosts } from './hosts-config.ts';
import { hostId, hubSocketPath } from './hub-place.ts';
import { readText } from './kinds.ts';
import { findProjectFolder, PROJECT_FOLDER } from './project.ts';
import { type Notice, readProjectConfig } from './project-config.ts';
import { ALL_SETTINGS, type Given, namesOf, type Values } from './table.ts';

/** The effective settings. Paths are absolute. */
export interface Settings extends Omit<Values, keyof Given & `broker${string}`> {
  home: string;
  socketPath: string;
  projectFolder: string;
  /** What is ignored in a project's file; absent when nothing is. */
  ignored?: Notice | undefined;
  /** The project's file, if its broker or realm is used. */
  brokerFile?: string | undefined;
  registryDir: string;
  broker?: BrokerSettings | undefined;
  host: string;
  /** An external broker carries jobs and reports for programs that are no hubs. */
  brokerPublic: boolean;
  tmuxSocket: string;
  cwd: string;
  pane?: string | undefined;
  /** Socket of the tmux server that this process runs in. */
  paneSocket?: string | undefined;
  /** Identity of the pane: its socket, the process of its tmux server (a new one reuses ids), and its id. */
  place?: string | undefined;
  clientSession?: string | undefined;
  path?: string | undefined;
  virtualEnv?: string | undefined;
}

export type Env = Record<string, string | undefined>;

/**
 * Settings by flag, then environment, then `.mam/config.json`, then `config.json` in `MAM_HOME`.
 * @throws MamError `bad_input` for an unusable setting, with the valid values
 */
export async function loadSettings(
  flags: { registryDir?: string | undefined; cwd?: string | undefined } = {},
  env: Env = process.env,
): Promise<Settings> {
  const cwd = flags.cwd ?? workingFolder();
  checkHome(namedHome(env));
  const home = mamHome(env);
  const projectFolder = findProjectFolder(cwd, home, knownUserHome());
  const own = readOwnConfig(home);
  const project = await readProjectConfig(projectFolder, home);
  const given = readEnvironment(env, cwd);
  const all = inForce(given, project.values, own);
  const {
    brokerUrl,
    brokerUsername,
    brokerPassword,
    brokerCa,
    brokerCert,
    brokerKey,
    brokerPlain,
    ...values
  } = all;
  const host = values.host ?? hostId(home);
  if (Object.hasOwn(values.hosts, host)) throw ownName(home, host);
  const insideTmux = env['TMUX']?.split(',')[0] || undefined;
  // With links resolved as tmux does. The hub has another working directory.
  const sockets = join(realPlace(resolve(env['TMUX_TMPDIR'] || '/tmp')), `tmux-${userId()}`);
  return {
    ...values,
    home,
    socketPath: hubSocketPath(home, env['XDG_RUNTIME_DIR']),
    projectFolder,
    ignored: project.notice,
    brokerFile:
      (project.values.brokerUrl && !given.brokerUrl) || (project.values.realm && !given.realm)
        ? project.path
        : undefined,
    registryDir:
      registryOf(flags.registryDir && resolve(cwd, flags.registryDir), given, project.values, own) ??
      join(projectFolder, 'jobs'),
    logsDir: values.logsDir && realPlace(values.logsDir),
    broker: brokerSettings(given, project.values, own),
    host,
    brokerPublic: values.brokerPublic ?? Object.keys(values.hosts).length === 0,
    tmuxSocket: values.tmuxServerName
      ? join(sockets, values.tmuxServerName)
      : (insideTmux ?? join(sockets, 'default')),
    cwd,
    pane: insideTmux ? env['TMUX_PANE'] || undefined : undefined,
    paneSocket: insideTmux,
    place: placeOf(env),
    clientSession: env['CLAUDE_CODE_SESSION_ID'] || undefined,
    path: env['PATH'],
    virtualEnv: env['VIRTUAL_ENV'],
  };
}

/** The settings in the environment. @throws MamError `bad_input` for an unusable value */
function readEnvironment(env: Env, cwd: string): Given {
  const given: Record<string, unknown> = {};
  for (const setting of ALL_SETTINGS) {
    const name = namesOf(setting).find((one) => env[one]);
    if (name === undefined) continue;
    const value = readText(setting, name, env[name]);
    given[setting.field] = setting.kind === 'path' ? resolve(cwd, String(value)) : value;
  }
  return given as Given;
}

/** The value of each setting. A project can make a limit stricter but not lift it. */
function inForce(env: Given, project: Given, own: Given): Values {
  const values = ALL_SETTINGS.map(({ field, inProject, default: preset }) => {
    if (inProject !== 'stricter') return [field, env[field] ?? project[field] ?? own[field] ?? preset];
    const given = [env[field] ?? own[field] ?? preset, project[field]];
    const limits = given.filter((limit) => typeof limit === 'number');
    return [field, limits.length > 0 ? Math.min(...limits) : undefined];
  });
  return Object.fromEntries(values) as Values;
}

/** The user's own links are followed; those of a project are refused later. */
function registryOf(flag: string | undefined, env: Given, project: Given, own: Given): string | undefined {
  const chosen = flag || env.registryDir || (project.registryDir ? undefined : own.registryDir);
  return chosen ? realPlace(chosen) : project.registryDir;
}

/**
 * The folder of the user's hub, before any configuration is read: its real path, so that every process finds the same hub,
 * whichever path it uses.
 * @throws MamError as `userHome`, if `MAM_HOME` is not set
 */
export function mamHome(env: Env = process.env): string {
  return realPlace(namedHome(env));
}

/** The same folder, by the path that the user named. */
function namedHome(env: Env): string {
  const home = env['MAM_HOME'];
  return home ? resolve(home) : join(userHome(), PROJECT_FOLDER);
}

export function ownerOf(settings: Settings): { session: string; place: string | undefined } {
  return { session: sessionOf(settings), place: settings.place };
}

function placeOf({ TMUX: tmux, TMUX_PANE: pane }: Env): string | undefined {
  const [socket, server] = tmux?.split(',') ?? [];
  return socket && server && pane ? [socket, server, pane].join(',') : undefined;
}

/**
 * Who runs a command line: an agent, a pane, or a person. All of a person's shells outside of tmux are one session, so the
 * same key returns the same job in all of them.
 */
export function sessionOf({ clientSession, pane, paneSocket }: Settings, otherwise = 'cli'): string {
  return clientSession ?? (pane === undefined ? otherwise : `${paneSocket ?? ''}:${pane}`);
}

/** @throws MamError `refused` if another user could change what is in `MAM_HOME` */
function checkHome(home: string): void {
  // A missing folder is created when needed; anything else in its place is reported then.
  if (!orElse(() => statSync(home).isDirectory(), false)) return;
  const fix = isOwn(statSync(home)) ? `Run \`chmod go-w ${shellWord(home)}\`, or set` : 'Set';
  checkOwnFolder(home, `${fix} MAM_HOME to a folder of your own.`);
}

/** @throws MamError `bad_input` for an unusable setting, `refused` for a file that others can write */
function readOwnConfig(home: string): Given {
  let text: string;
  try {
    text = ownConfigText(home);
  } catch (error) {
    if (error instanceof MamError) throw error;
    return {};
  }
  return parseConfigFile(join(home, 'config.json'), text);
}

/** The `on_event` command as the file has it now. @param home `MAM_HOME` @throws as `readOwnConfig` */
export function onEventCommand(home: string): Given['onEvent'] {
  return readOwnConfig(home).onEvent;
}

/**
 * The `hosts` as the file has them now: what another machine may do counts at once, without a restart.
 * @param home `MAM_HOME` @throws as `readOwnConfig`; then nobody may do anything
 */
export function hostsNow(home: string): Hosts {
  return readOwnConfig(home).hosts ?? {};
}

function ownName(home: string, host: string): MamError {
  const what = `${join(home, 'config.json')}: hosts has this hub's own name, ${host}.`;
  return new MamError('bad_input', what, 'Name only other machines there, or set host to another name.');
}

/** The `config.json` of `MAM_HOME` as text. @throws MamError `refused` if others can write it; the system's error */
export function ownConfigText(home: string): string {
  const path = join(home, 'config.json');
  // The user's own link is followed: people keep their configuration in one place.
  const real = realpathSync(path);
  const why = whyForeign(statSync(real));
  // In a folder that only the user can enter, the file's mode does not matter.
  const isClosed = real === join(realpathSync(home), 'config.json') && (statSync(home).mode & 0o077) === 0;
  if (why !== undefined && !(isClosed && !why.startsWith('belongs'))) {
    const hint = why.startsWith('belongs')
      ? 'Put a file of your own in its place, or remove it.'
      : `Run \`chmod go-w ${shellWord(real)}\`, or remove it.`;
    throw new MamError('refused', `${path} ${why}, so it is not used.`, hint);
  }
  return readForeign(real);
}
