import type { HookReport } from '../../job/hook.ts';
import { type HookReader, oneLine, type Payload, readEvents, record, string } from './hook-report.ts';

/** Events of OpenCode 1.18.33, as `opencode-plugin.ts` passes them on. Nothing reports the program's end. */
export const reader: HookReader = {
  read: readEvents(
    {
      'session.created': () => ({ type: 'session_started' }),
      'chat.message': ({ text }) => ({ type: 'submitted', text: string(text) }),
      'permission.asked': (payload) => ({
        type: 'permission_required',
        tool: string(payload['permission']),
        input: inputOf(payload),
        call_id: string(payload['id']),
      }),
      // Fires for every answer, whoever gave it and whatever it was.
      'permission.replied': ({ requestID, reply }) => ({
        type: 'permission_settled',
        call_id: string(requestID),
        text: string(reply),
      }),
      'session.idle': ({ text }) => ({ type: 'turn_ended', text: string(text) }),
      'session.error': ({ error }) => failure(record(error)),
      'session.status': ({ status }) => retry(record(status)),
    },
    'sessionID',
  ),
  /** Read by our plugin, which allows with `once` only. */
  answer: (decision, message) =>
    JSON.stringify(decision === 'allow' ? { reply: 'once' } : { reply: 'reject', message }),
};

/** The request in one line: the command, the file or the address, otherwise the patterns. */
function inputOf(payload: Payload): string | undefined {
  const metadata = record(payload['metadata']);
  const named = ['command', 'filepath', 'url', 'description'].map((key) => string(metadata[key]));
  const patterns = payload['patterns'];
  const text =
    named.find((word) => word !== undefined) ?? (Array.isArray(patterns) ? patterns.join(', ') : '');
  return oneLine(text);
}

/** A turn interrupted by a person is not a failure. */
function failure(error: Payload): HookReport | undefined {
  if (error['name'] === 'MessageAbortedError') return { type: 'interrupted' };
  const data = record(error['data']);
  const text = string(data['message']) ?? string(error['name']);
  return { type: data['statusCode'] === 429 ? 'rate_limited' : 'api_error', text };
}

/** It retries endlessly, at `next` (ms). Reported if it is a rate limit, or on the 4th retry, half a minute later. */
function retry(status: Payload): HookReport | undefined {
  if (status['type'] !== 'retry') return undefined;
  const { attempt, next } = status;
  const text = string(status['message']);
  if (!/rate.?limit|too many requests|quota|usage limit/i.test(text ?? '')) {
    return attempt === 4 ? { type: 'api_error', text } : undefined;
  }
  const resume_at = typeof next === 'number' ? new Date(next).toISOString() : undefined;
  return { type: 'rate_limited', text, resume_at };
}
