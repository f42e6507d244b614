import { isAbsolute } from 'node:path';
import { knownUserHome } from '../base/user-home.ts';
import type { Env, Settings } from './config.ts';
import { ALL_SETTINGS, namesOf } from './table.ts';

/** What every program needs to find its files and its language. */
const NEEDED =
  /^(HOME|USER|LOGNAME|PATH|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TMUX_TMPDIR|XDG_RUNTIME_DIR)$/;
/**
 * What else a session needs, to be like one that its caller started: SSH agents, displays, configuration and network
 * settings. No API keys are included.
 */
const OF_SESSION =
  /^(MAM_HOME|XDG_[A-Z_]+|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DBUS_SESSION_BUS_ADDRESS|SSH_(AUTH_SOCK|AGENT_PID|CONNECTION)|KRB5CCNAME|WINDOWID|COLORTERM|TERM|((https?|all|no)_proxy)|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/i;
/** What belongs to a terminal: tmux sets it for each pane. */
const OF_TERMINAL = /^(TERM|COLORTERM|WINDOWID)$/;

/** The environment for a process that must not inherit the caller's secrets or its tmux. */
export function scrubbedEnvironment(env: Env = process.env): Record<string, string> {
  return { ...chosen(env, (name) => NEEDED.test(name)), ...wholeHome(env) };
}

/** The part of a caller's environment that is sent with its request to start an agent. */
export function sessionEnvironment(env: Env = process.env): Record<string, string> {
  const wanted = (name: string) => NEEDED.test(name) || OF_SESSION.test(name);
  return { ...chosen(env, wanted), ...wholeHome(env) };
}

/** The part of a caller's environment that git and its hooks run with: also where the user's keys for signing are. */
export function callerEnvironment(env: Env = process.env): Record<string, string> {
  return { ...sessionEnvironment(env), ...chosen(env, (name) => name === 'GNUPGHOME') };
}

/** The same for a session of a running tmux server, which keeps its own values. */
export function forRunningServer(session: Record<string, string>): Record<string, string> {
  return chosen(session, (name) => !OF_TERMINAL.test(name) && name !== 'TMUX_TMPDIR');
}

export function ownPath(): string {
  return process.env['PATH'] ?? '';
}

function chosen(env: Env, wanted: (name: string) => boolean): Record<string, string> {
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && wanted(name) ? [[name, value]] : [],
  );
  return Object.fromEntries(kept);
}

/** An empty or relative HOME would mean a different folder in each process. */
function wholeHome({ HOME }: Env): Record<string, string> {
  const home = HOME !== undefined && isAbsolute(HOME) ? HOME : knownUserHome();
  return home === undefined ? {} : { HOME: home };
}

/** With these the hub's own ssh proves who the user is. */
const OF_SSH = /^(SSH_(AUTH_SOCK|AGENT_PID)|KRB5CCNAME)$/;

/** The socket of the user's ssh agent, as this process was started with it. */
export function sshAgentSocket(env: Env = process.env): string | undefined {
  return env['SSH_AUTH_SOCK'] || undefined;
}

/** The user's configuration folder, if the environment names one. */
export function configFolder(env: Env = process.env): string | undefined {
  return env['XDG_CONFIG_HOME'] || undefined;
}

const OF_HUB = ALL_SETTINGS.filter(({ handedTo }) => handedTo.includes('hub'));

/** The scrubbed environment, with the settings that are handed to a hub. */
export function hubEnvironment(env: Env = process.env): Record<string, string> {
  const names = OF_HUB.flatMap(namesOf);
  return { ...scrubbedEnvironment(env), ...chosen(env, (name) => names.includes(name) || OF_SSH.test(name)) };
}

/** The same with the settings from all sources: a hub does not read a project's file. */
export function hubEnvironmentOf(settings: Settings): Record<string, string> {
  const values = textsOf(settings);
  const known = OF_HUB.flatMap(({ env, field, inProject }) =>
    env === undefined || inProject === 'never' ? [] : [[env, values[field]]],
  );
  return chosen({ ...hubEnvironment(), ...Object.fromEntries(known) }, () => true);
}

/**
 * The settings that an agent needs so that its server finds our hub. They are visible on command lines, so there is no
 * secret among them.
 */
export function peerEnvironment(settings: Settings, env: Env = process.env): Record<string, string> {
  const values = textsOf(settings);
  const kept: Record<string, string> = {};
  for (const { env: name, field, kind, handedTo } of ALL_SETTINGS) {
    if (name === undefined || !handedTo.includes('agent')) continue;
    // A relative path would mean a different place in the agent's folder.
    const value = kind === 'path' ? (env[name] || field === 'home') && values[field] : env[name];
    if (value && !(kind === 'url' && value.includes('@'))) kept[name] = value;
  }
  return kept;
}

/** The effective settings as texts for an environment; those without a text form are absent. */
function textsOf({ broker, ...values }: Settings): Readonly<Record<string, string | undefined>> {
  const all = {
    ...values,
    brokerUrl: broker?.urls.join(','),
    brokerUsername: broker?.username,
    brokerPassword: broker?.password,
    brokerCa: broker?.ca,
    brokerCert: broker?.cert,
    brokerKey: broker?.key,
    brokerPlain: broker?.plain,
  };
  const texts = Object.entries(all)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([field, value]) => [field, value === true ? '1' : String(value)]);
  return Object.fromEntries(texts);
}

/** The variables that this environment sets for a hub, and that a hub which the system starts would not have: each with its key in a file. */
export function onlyInEnvironment(env: Env = process.env): string[] {
  return OF_HUB.filter(({ field }) => field !== 'home').flatMap((setting) =>
    namesOf(setting)
      .filter((name) => env[name])
      .map((name) => (setting.key === undefined ? name : `${name} (${setting.key})`)),
  );
}
