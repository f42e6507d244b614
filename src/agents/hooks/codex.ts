import { type HookReader, type Payload, readEvents, string, toolCall } from './hook-report.ts';

/**
 * Hooks of Codex 0.171.0. Nothing fires when the model's service fails or when a person answers a dialog: an allowed
 * call is reported by PostToolUse, a denied command by Interrupt, a denied MCP call not at all (the turn continues).
 *
 * No `answer`, although Codex would accept one: it shows its dialog only after the hook has ended without a decision,
 * so a waiting hook would keep the person at the pane from deciding.
 */
export const reader: HookReader = {
  read: readEvents({
    // Fires with the first prompt, not when the program starts.
    SessionStart: () => ({ type: 'session_started' }),
    UserPromptSubmit: (payload) => ({ type: 'submitted', text: string(payload['prompt']), ...turn(payload) }),
    // Has no call id.
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

/** The box accepts the next prompt while the hook for the end of a turn still runs, so their events arrive in any order. */
function turn({ turn_id }: Payload): { turn_id: string | undefined } {
  return { turn_id: string(turn_id) };
}
