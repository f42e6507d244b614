/**
 * What this server is for, by `MAM_ROLE`. In a file of its own because the handshake needs nothing else of the
 * settings. (A word that is neither is told with the first call, by the settings.)
 */
export function roleFromEnvironment(): 'supervisor' | 'peer' {
  // biome-ignore lint/style/noProcessEnv: config.ts would load node:crypto, 3 ms of a cold start
  return process.env['MAM_ROLE'] === 'peer' ? 'peer' : 'supervisor';
}

/** True when the server shall be a channel of Claude Code, by `MAM_CHANNEL`: the handshake declares it. */
export function channelFromEnvironment(): boolean {
  // biome-ignore lint/style/noProcessEnv: as above
  return process.env['MAM_CHANNEL'] === '1';
}
