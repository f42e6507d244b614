import { type Role, SETTINGS } from './table.ts';

/**
 * What this server is for, in its own file because the handshake needs no other setting. (The settings report an unknown
 * role at the first call.)
 */
export function roleFromEnvironment(): Role {
  // biome-ignore lint/style/noProcessEnv: config.ts would load node:crypto, 3 ms of a cold start
  return process.env[SETTINGS.role.env] === 'peer' ? 'peer' : 'supervisor';
}

/** True when the server is meant to be a channel of Claude Code: the handshake declares it. */
export function channelFromEnvironment(): boolean {
  // biome-ignore lint/style/noProcessEnv: as above
  return process.env[SETTINGS.channel.env] === '1';
}
