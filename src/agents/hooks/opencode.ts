import type { HookReader, HookReport } from './hook-report.ts';
import { oneLine, record, string, withSession } from './payload.ts';

/** Events of OpenCode 1.18.33, as `opencode-plugin.ts` hands them on. Nothing tells of the program's end. */
export const reader: HookReader = {
  read: withSession(translate, 'sessionID'),
  /** Read by our plugin; `once` is the only way in which it allows. */
  answer: (decision, reason) =>
    JSON.stringify(decision === 'allow' ? { reply: 'once' } : { reply: 'reject', message: reason }),
};

function translate(event: string, payload: Record<string, unknown>): HookReport | undefined {
  switch (event) {
    case 'session.created':
      return { type: 'session_started' };
    case 'chat.message':
      return { type: 'submitted', text: string(payload['text']) };
    case 'permission.asked':
      return {
        type: 'permission_required',
        tool: string(payload['permission']),
        input: inputOf(payload),
        call_id: string(payload['id']),
      };
    case 'permission.replied':
      // Comes for every answer, whoever gave it and whatever it was.
      return {
        type: 'permission_settled',
        call_id: string(payload['requestID']),
        text: string(payload['reply']),
      };
    case 'session.idle':
      return { type: 'turn_ended', text: string(payload['text']) };
    case 'session.error':
      return failure(record(payload['error']));
    case 'session.status':
      return retry(record(payload['status']));
    default:
      return undefined;
  }
}

/** What is asked for in one line: the command, the file, the address, else the patterns. */
function inputOf(payload: Record<string, unknown>): string | undefined {
  const metadata = record(payload['metadata']);
  const named = ['command', 'filepath', 'url', 'description'].map((key) => string(metadata[key]));
  const patterns = payload['patterns'];
  const text =
    named.find((word) => word !== undefined) ?? (Array.isArray(patterns) ? patterns.join(', ') : '');
  return oneLine(text);
}

/** A turn that a person has interrupted is no failure. */
function failure(error: Record<string, unknown>): HookReport | undefined {
  if (error['name'] === 'MessageAbortedError') return { type: 'interrupted' };
  const data = record(error['data']);
  const text = string(data['message']) ?? string(error['name']);
  return { type: data['statusCode'] === 429 ? 'rate_limited' : 'api_error', text };
}

/** It asks again without end, at `next` (ms): told when it is a limit, or at the 4th time, half a minute later. */
function retry(status: Record<string, unknown>): HookReport | undefined {
  if (status['type'] !== 'retry') return undefined;
  const { attempt, next } = status;
  const text = string(status['message']);
  if (!/rate.?limit|too many requests|quota|usage limit/i.test(text ?? '')) {
    return attempt === 4 ? { type: 'api_error', text } : undefined;
  }
  const resume_at = typeof next === 'number' ? new Date(next).toISOString() : undefined;
  return { type: 'rate_limited', text, resume_at };
}
