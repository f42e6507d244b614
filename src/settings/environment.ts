import { isAbsolute } from 'node:path';
import { knownUserHome } from '../base/user-home.ts';
import type { Env, Settings } from './config.ts';

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
  // What is relative means another place in the agent's folder.
  const whole: Record<string, string | undefined> = {
    MAM_REGISTRY_DIR: settings.registryDir,
    MAM_LOGS_DIR: settings.logsDir,
    MAM_BROKER_CA: settings.broker?.ca,
  };
  const kept: Record<string, string> = { MAM_HOME: settings.home };
  for (const name of [
    'MAM_REALM',
    'MAM_REGISTRY_DIR',
    'MAM_LOGS_DIR',
    'MAM_MAX_DEPTH',
    'MAM_MAX_OPEN_JOBS',
    'MAM_BROKER_USERNAME',
    'MAM_BROKER_CA',
    'MAM_BROKER_PLAIN',
    'TMUX_SERVER_NAME',
  ]) {
    const value = env[name] && (whole[name] ?? env[name]);
    if (value) kept[name] = value;
  }
  const url = env['MAM_BROKER_URL'];
  if (url && !url.includes('@')) kept['MAM_BROKER_URL'] = url;
  return kept;
}
