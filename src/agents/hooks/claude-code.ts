import type { HookReport } from '../../job/hook.ts';
import { type HookReader, type Payload, readEvents, record, string, toolCall } from './hook-report.ts';

/** Our own tools need no permission; all others still ask for it. */
export const OWN_TOOLS: readonly string[] = ['mcp__mam__publish_event', 'mcp__mam__job_status'];

/** Hooks of Claude Code 2.1.332. Nothing fires when a person interrupts a turn or denies a dialog with Escape. */
export const reader: HookReader = {
  read: readEvents({
    SessionStart: () => ({ type: 'session_started' }),
    UserPromptSubmit: (payload) => ({ type: 'submitted', text: string(payload['prompt']) }),
    // Has no call id.
    PermissionRequest: (payload) => ({ type: 'permission_required', ...toolCall(payload) }),
    PostToolUse: toolUsed,
    PostToolUseFailure: toolUsed,
    Stop: (payload) => ({
      type: 'turn_ended',
      text: string(payload['last_assistant_message']),
      background: isSome(payload['background_tasks']) || isSome(payload['session_crons']),
    }),
    StopFailure: ({ error, error_details, last_assistant_message }) => {
      const words = [error, last_assistant_message ?? error_details];
      const text = words.filter((word) => typeof word === 'string').join(': ');
      return { type: error === 'rate_limit' ? 'rate_limited' : 'api_error', text };
    },
    SessionEnd: ({ reason }) =>
      // The program continues after these, with another session.
      reason === 'clear' || reason === 'resume' ? undefined : { type: 'session_ended', text: string(reason) },
  }),
  /**
   * Plan mode asks for every MCP tool that writes, whatever rules and PreToolUse hooks allow. In other modes it asks
   * for ours only if a user's rule says so. `dynamic` is a server from the command line, which is ours.
   */
  isOwnCall(event, payload) {
    const { name, source } = record(payload['mcp_server']);
    return (
      event === 'PermissionRequest' &&
      payload['permission_mode'] === 'plan' &&
      OWN_TOOLS.includes(string(payload['tool_name']) ?? '') &&
      name === 'mam' &&
      source === 'dynamic'
    );
  },
  answer(decision, message) {
    const answered = decision === 'allow' ? { behavior: 'allow' } : { behavior: 'deny', message };
    return JSON.stringify({
      hookSpecificOutput: { hookEventName: 'PermissionRequest', decision: answered },
    });
  },
};

function toolUsed(payload: Payload): HookReport {
  return { type: 'tool_used', ...toolCall(payload), call_id: string(payload['tool_use_id']) };
}

function isSome(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
