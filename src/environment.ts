import type { Env, Settings } from './config.ts';

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
    'MAM_BROKER_PLAIN',
    'TMUX_SERVER_NAME',
  ]) {
    const value = env[name];
    if (value) kept[name] = value;
  }
  const url = env['MAM_BROKER_URL'];
  if (url && !url.includes('@')) kept['MAM_BROKER_URL'] = url;
  return kept;
}
