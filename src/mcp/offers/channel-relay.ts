import type { HookReport } from '../../job/hook.ts';
import type { HubConnection } from '../session/engine.ts';
import type { Caller } from '../tool/tool.ts';
import type { Notify } from './offers.ts';

/**
 * Hands a dialog of the client on to the hub, for the job that the client works on as a peer; the decision of that
 * job's supervisor goes back to the client. Without such a job, or when the dialog is settled in the pane, nothing
 * goes back: the dialog stays open in either case until somebody answers.
 * @param params of the notification, as they came
 */
export async function relayPermission(
  hub: HubConnection,
  caller: Caller,
  params: Record<string, unknown>,
  notify: Notify,
): Promise<void> {
  const { request_id: requestId, tool_name: tool, input_preview: preview } = params;
  if (typeof requestId !== 'string' || typeof tool !== 'string') return;
  const { pane, socket, pids, ns } = caller;
  const input = typeof preview === 'string' ? plain(preview) : undefined;
  const report: HookReport = { type: 'permission_required', tool, input, call_id: requestId };
  const origin = { pane, socket, pids, ns };
  const { decision } = await hub.relay({ agent: 'claude-code', report, origin, relayed: true });
  if (decision !== undefined)
    await notify({
      method: 'notifications/claude/channel/permission',
      params: { request_id: requestId, behavior: decision },
    });
}

/**
 * The command of a shell call as the dialog shows it; anything else as it came: JSON. Claude Code 2.1.332 leaves the
 * middle of a value out that has more than 3,500 characters, its reference says 200.
 */
function plain(preview: string): string {
  try {
    const { command } = JSON.parse(preview) as { command?: unknown };
    return typeof command === 'string' ? command : preview;
  } catch {
    return preview;
  }
}
