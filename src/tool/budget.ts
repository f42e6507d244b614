/** How long each client lets one tool call run, minus a margin for the answer, in seconds. */
const BY_CLIENT: Readonly<Record<string, number>> = {
  // Idle limit 30 min, reset by progress; wall limit 28 h.
  'claude-code': 6 * 3600,
  // 300 s, whatever the progress.
  codex: 280,
  'codex-mcp-client': 280,
  // 600 s, whatever the progress.
  'gemini-cli-mcp-client': 570,
  // 60 s by default.
  opencode: 50,
};
const UNKNOWN_CLIENT = 50;
/** Margin subtracted from the user's limit, so that the answer is there before the client gives up. */
const ROOM_SHARE = 0.05;
const MAX_ROOM_SECONDS = 10;
/** A short limit has a larger margin: a wait that times out still asks the hub once, even on a busy machine. */
const MIN_ROOM_SECONDS = 1;

/**
 * The time for one wait, so that the answer arrives before the client gives up.
 * @param asked the call's `timeout_seconds`, absent: as long as the client allows
 * @param clientName `clientInfo.name` of the MCP client
 * @param limit `MAM_TOOL_TIMEOUT_SECONDS`, which overrides the limit by client name
 * @returns milliseconds
 */
export function waitBudget(asked: number | undefined, clientName: string, limit?: number): number {
  const most = limit === undefined ? (BY_CLIENT[clientName] ?? UNKNOWN_CLIENT) : withRoom(limit);
  return Math.round(Math.min(asked ?? most, most) * 1000);
}

function withRoom(limit: number): number {
  const least = Math.min(MIN_ROOM_SECONDS, limit / 2);
  return limit - Math.min(MAX_ROOM_SECONDS, Math.max(least, limit * ROOM_SHARE));
}
