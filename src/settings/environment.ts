import { isAbsolute } from 'node:path';
import { knownUserHome } from '../base/user-home.ts';
import type { Env, Settings } from './config.ts';
import { ALL_SETTINGS, namesOf } from './table.ts';

/** What a program needs to find its files, its language and its terminal's folder. */
const NEEDED =
  /^(HOME|USER|LOGNAME|PATH|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TMUX_TMPDIR|XDG_RUNTIME_DIR)$/;
/**
 * What a session of a caller's needs beside that, to be like one that he had started himself: his agents, displays and
 * configuration, and the way to the network. No program's keys are among it.
 */
const OF_SESSION =
  /^(MAM_HOME|XDG_[A-Z_]+|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DBUS_SESSION_BUS_ADDRESS|SSH_(AUTH_SOCK|AGENT_PID|CONNECTION)|KRB5CCNAME|WINDOWID|COLORTERM|TERM|((https?|all|no)_proxy)|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/i;
/** What belongs to a terminal: tmux sets it for each pane by itself. */
const OF_TERMINAL = /^(TERM|COLORTERM|WINDOWID)$/;

/** The environment for a process that must not inherit the caller's secrets or its tmux. */
export function scrubbedEnvironment(env: Env = process.env): Record<string, string> {
  return { ...chosen(env, (name) => NEEDED.test(name)), ...wholeHome(env) };
}

/** What of a caller's environment travels with its request to start an agent. */
export function sessionEnvironment(env: Env = process.env): Record<string, string> {
  const wanted = (name: string) => NEEDED.test(name) || OF_SESSION.test(name);
  return { ...chosen(env, wanted), ...wholeHome(env) };
}

/** The same for a session of a tmux server that runs: what is the server's own is left as it is there. */
export function forRunningServer(session: Record<string, string>): Record<string, string> {
  return chosen(session, (name) => !OF_TERMINAL.test(name) && name !== 'TMUX_TMPDIR');
}

/** The PATH of this process. */
export function ownPath(): string {
  return process.env['PATH'] ?? '';
}

function chosen(env: Env, wanted: (name: string) => boolean): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && wanted(entry[0]),
  );
  return Object.fromEntries(kept);
}

/** An empty or relative HOME would be another folder for each who has it. */
function wholeHome({ HOME }: Env): Record<string, string> {
  const home = HOME !== undefined && isAbsolute(HOME) ? HOME : knownUserHome();
  return home === undefined ? {} : { HOME: home };
}

/** The scrubbed environment with all that decides where a hub lives and whom it talks to. */
export function hubEnvironment(env: Env = process.env): Record<string, string> {
  const names = ALL_SETTINGS.filter(({ handedTo }) => handedTo.includes('hub')).flatMap(namesOf);
  return { ...scrubbedEnvironment(env), ...chosen(env, (name) => names.includes(name)) };
}

/** The same with what the settings say, wherever they have it from: a hub reads no project's file. */
export function hubEnvironmentOf(settings: Settings): Record<string, string> {
  const values = textsOf(settings);
  const said = ALL_SETTINGS.filter(
    ({ handedTo, inProject }) => handedTo.includes('hub') && inProject !== 'unread',
  ).flatMap(({ env, field }) => (env === undefined ? [] : [[env, values[field]] as const]));
  const all = { ...hubEnvironment(), ...Object.fromEntries(said) };
  return chosen(all, () => true);
}

/**
 * The settings that an agent which we start must have as well, so that its server finds our hub. No secret is among
 * them: they stand on command lines.
 */
export function peerEnvironment(settings: Settings, env: Env = process.env): Record<string, string> {
  const values = textsOf(settings);
  const kept: Record<string, string> = {};
  for (const { env: name, field, kind, handedTo } of ALL_SETTINGS) {
    if (name === undefined || !handedTo.includes('agent')) continue;
    // What is relative means another place in the agent's folder.
    const value = kind === 'path' ? (env[name] || field === 'home') && values[field] : env[name];
    if (value && !(kind === 'url' && value.includes('@'))) kept[name] = value;
  }
  return kept;
}

/** The settings in force as an environment says them; one that it can't say is absent. */
function textsOf({ broker, ...values }: Settings): Readonly<Record<string, string | undefined>> {
  const all = {
    ...values,
    brokerUrl: broker?.url,
    brokerUsername: broker?.username,
    brokerPassword: broker?.password,
    brokerCa: broker?.ca,
    brokerPlain: broker?.plain,
  };
  const texts = Object.entries(all).map(([field, value]) => [
    field,
    typeof value === 'boolean' ? (value ? '1' : undefined) : value === undefined ? undefined : String(value),
  ]);
  return Object.fromEntries(texts);
}
