import { type HookReader, type Payload, readEvents, string, toolCall } from './hook-report.ts';

/**
 * Hooks of Codex 0.171.0. Nothing fires when the model's service fails, nor when a person answers a dialog: an allowed
 * call is reported by PostToolUse, a denied command by Interrupt, a denied MCP call not at all (the turn goes on).
 *
 * No `answer`, though Codex would take one: it shows its dialog only when the hook has ended without a decision, so a
 * hook that waits for one would keep the person at the pane from giving it.
 */
export const reader: HookReader = {
  read: readEvents({
    // Comes with the first prompt, not when the program starts.
    SessionStart: () => ({ type: 'session_started' }),
    UserPromptSubmit: (payload) => ({ type: 'submitted', text: string(payload['prompt']), ...turn(payload) }),
    // Has no id of the call.
    PermissionRequest: (payload) => ({ type: 'permission_required', ...toolCall(payload) }),
    PostToolUse: (payload) => ({
      type: 'tool_used',
      ...toolCall(payload),
      call_id: string(payload['tool_use_id']),
    }),
    Stop: (payload) => ({
      type: 'turn_ended',
      text: string(payload['last_assistant_message']),
      ...turn(payload),
    }),
    // A person's Escape, or their denial of a command or an edit.
    Interrupt: (payload) => ({ type: 'interrupted', ...turn(payload) }),
    SessionEnd: () => ({ type: 'session_ended' }),
  }),
};

/** Its box is ready, and takes a prompt, while the hook of the end of a turn still runs: the two come in any order. */
function turn({ turn_id }: Payload): { turn_id: string | undefined } {
  return { turn_id: string(turn_id) };
}
