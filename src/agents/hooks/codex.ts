import type { HookReader, HookReport } from './hook-report.ts';
import { string, toolCall, withSession } from './payload.ts';

/**
 * Hooks of Codex 0.171.0. Nothing fires when the model's service fails, nor when a person answers a dialog: an allowed
 * call is told by PostToolUse, a denied command by Interrupt, a denied MCP call not at all (the turn goes on).
 *
 * No `answer`, though Codex would take one: it shows its dialog only when the hook has ended without a decision, so a
 * hook that waits for one would keep the person at the pane from giving it.
 */
export const reader: HookReader = {
  read: withSession(translate),
};

function translate(event: string, payload: Record<string, unknown>): HookReport | undefined {
  switch (event) {
    case 'SessionStart':
      // Comes with the first prompt, not when the program starts.
      return { type: 'session_started' };
    case 'UserPromptSubmit':
      return { type: 'submitted', text: string(payload['prompt']), ...turn(payload) };
    case 'PermissionRequest':
      // Has no id of the call.
      return { type: 'permission_required', ...toolCall(payload) };
    case 'PostToolUse':
      return { type: 'tool_used', ...toolCall(payload), call_id: string(payload['tool_use_id']) };
    case 'Stop':
      return { type: 'turn_ended', text: string(payload['last_assistant_message']), ...turn(payload) };
    case 'Interrupt':
      // A person's Escape, or their denial of a command or an edit.
      return { type: 'interrupted', ...turn(payload) };
    case 'SessionEnd':
      return { type: 'session_ended' };
    default:
      return undefined;
  }
}

/** Its box is ready, and takes a prompt, while the hook of the end of a turn still runs: the two come in any order. */
function turn(payload: Record<string, unknown>): { turn_id?: string } {
  const turn_id = string(payload['turn_id']);
  return turn_id === undefined ? {} : { turn_id };
}
