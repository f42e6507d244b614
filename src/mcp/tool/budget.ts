/** How long each client is known to stand one tool call, with room to answer before it gives up; in seconds. */
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
/** Kept from a limit that the user told us, so that the answer is there before the client gives up. */
const ROOM_SHARE = 0.05;
const MAX_ROOM_SECONDS = 10;
/** Of a short limit more is kept: a wait whose time is up still asks the hub once, on a busy machine too. */
const MIN_ROOM_SECONDS = 1;

/** How long a wait may last. */
export interface Budget {
  milliseconds: number;
  /** True when less was given than was asked for. */
  capped: boolean;
}

/**
 * The time for one wait, so that the answer comes before the client gives up.
 * @param asked the call's `timeout_seconds`, absent for as long as the client stands
 * @param clientName `clientInfo.name` of the MCP client
 * @param limit `MAM_TOOL_TIMEOUT_SECONDS`: takes the place of what the client's name says
 */
export function waitBudget(asked: number | undefined, clientName: string, limit?: number): Budget {
  const most = limit === undefined ? (BY_CLIENT[clientName] ?? UNKNOWN_CLIENT) : withRoom(limit);
  const seconds = Math.min(asked ?? most, most);
  return { milliseconds: Math.round(seconds * 1000), capped: asked !== undefined && asked > most };
}

function withRoom(limit: number): number {
  const least = Math.min(MIN_ROOM_SECONDS, limit / 2);
  return limit - Math.min(MAX_ROOM_SECONDS, Math.max(least, limit * ROOM_SHARE));
}
