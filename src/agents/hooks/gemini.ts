import type { HookReport } from '../../job/hook.ts';
import { type HookReader, oneLine, type Payload, readEvents, record, string } from './hook-report.ts';

/**
 * Hooks of Gemini CLI 0.61.0. Its calls have no ids. No hook runs when a dialog is denied, when a usage-limit dialog is
 * open, or while a failing service is retried; `AfterAgent` fires after failures and interrupts as well as after
 * answers. No hook can allow a call: `Notification` runs, and is awaited, before the dialog is drawn.
 */
export const reader: HookReader = {
  read: readEvents({
    SessionStart: () => ({ type: 'session_started' }),
    BeforeAgent: (payload) => ({ type: 'submitted', text: string(payload['prompt']) }),
    Notification: (payload) =>
      payload['notification_type'] === 'ToolPermission' ? permission(payload) : undefined,
    AfterTool: ({ tool_name, tool_input }) => ({
      type: 'tool_used',
      tool: string(tool_name),
      input: inputOf(record(tool_input)),
    }),
    AfterAgent: (payload) => {
      const text = string(payload['prompt_response']);
      return { type: 'turn_ended', text: text === NO_WORDS ? '' : text };
    },
    SessionEnd: ({ reason }) =>
      // The program continues with another session.
      reason === 'clear' ? undefined : { type: 'session_ended', text: string(reason) },
  }),
};

/** Reported instead of the last words of a turn that failed or was interrupted. */
const NO_WORDS = '[no response text]';

/** The payload names the kind of request, not the tool; the tool names here are those of `AfterTool`. */
function permission(payload: Payload): HookReport {
  const details = record(payload['details']);
  const report = { type: 'permission_required', text: string(payload['message']) } as const;
  switch (details['type']) {
    case 'exec':
    case 'sandbox_expansion':
      return { ...report, tool: 'run_shell_command', input: inputOf(details) };
    case 'edit': {
      const tool = /^Confirm Write/.test(string(details['title']) ?? '') ? 'write_file' : 'replace';
      return { ...report, tool, input: string(details['filePath']) ?? '' };
    }
    case 'mcp':
      return { ...report, tool: `mcp_${details['serverName']}_${details['toolName']}`, input: '' };
    case 'info':
      return { ...report, tool: 'web_fetch', input: string(details['prompt']) ?? '' };
    default:
      return { ...report, tool: string(details['type']) ?? 'a tool', input: '' };
  }
}

/** Only the command or the file, as a dialog shows it; otherwise the whole input. */
function inputOf(input: Payload): string {
  const shown = input['command'] ?? input['file_path'];
  return typeof shown === 'string' ? oneLine(shown) : oneLine(JSON.stringify(input));
}
