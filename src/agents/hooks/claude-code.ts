import type { HookReader, HookReport } from './hook-report.ts';
import { record, string, toolCall, withSession } from './payload.ts';

/** Our own tools need no permission, all others go on to ask for one. */
export const OWN_TOOLS: readonly string[] = ['mcp__mam__publish_event', 'mcp__mam__job_status'];

/** Hooks of Claude Code 2.1.332. Nothing fires when a person interrupts a turn or denies a dialog with Escape. */
export const reader: HookReader = {
  read: withSession(translate),
  /**
   * Plan mode asks for every MCP tool that writes, whatever rules and PreToolUse hooks allow. Elsewhere these tools are
   * asked for only where a rule of the user's says so. `dynamic` is a server of the command line, which is ours.
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
  answer(decision, reason) {
    const denial = { behavior: 'deny', message: reason };
    return JSON.stringify({
      hookSpecificOutput: {
        hookEventName: 'PermissionRequest',
        decision: decision === 'allow' ? { behavior: 'allow' } : denial,
      },
    });
  },
};

function translate(event: string, payload: Record<string, unknown>): HookReport | undefined {
  switch (event) {
    case 'SessionStart':
      return { type: 'session_started' };
    case 'UserPromptSubmit':
      return { type: 'submitted', text: string(payload['prompt']) };
    case 'PermissionRequest':
      // Has no id of the call.
      return { type: 'permission_required', ...toolCall(payload) };
    case 'PostToolUse':
    case 'PostToolUseFailure':
      return { type: 'tool_used', ...toolCall(payload), call_id: string(payload['tool_use_id']) };
    case 'Stop':
      return {
        type: 'turn_ended',
        text: string(payload['last_assistant_message']),
        background: isSome(payload['background_tasks']) || isSome(payload['session_crons']),
      };
    case 'StopFailure':
      return failure(payload);
    case 'SessionEnd':
      // The program goes on after these, with another session.
      if (payload['reason'] === 'clear' || payload['reason'] === 'resume') return undefined;
      return { type: 'session_ended', text: string(payload['reason']) };
    default:
      return undefined;
  }
}

function failure(payload: Record<string, unknown>): HookReport {
  const words = [payload['error'], payload['last_assistant_message'] ?? payload['error_details']];
  const text = words.filter((word) => typeof word === 'string').join(': ');
  return { type: payload['error'] === 'rate_limit' ? 'rate_limited' : 'api_error', text };
}

function isSome(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
