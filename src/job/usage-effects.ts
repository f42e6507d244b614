import { raise } from './attention.ts';
import { dataOf, type RecordedEvent } from './event.ts';
import { exactDataOf } from './exact-data.ts';
import type { JobRecord } from './record.ts';
import { spentTokens, usageOf } from './usage.ts';
import { isFinal } from './words.ts';

/** Takes an event that says what was used so far, in all. A job that passes its budget asks for attention, once. */
export function takeUsage(next: JobRecord, event: RecordedEvent): void {
  const usage = usageOf(dataOf(event).usage);
  if (usage === undefined) return;
  next.usage = usage;
  const { max_tokens: most, status, phase, over_budget_at } = next;
  if (most === undefined || over_budget_at !== undefined || spentTokens(usage) <= most) return;
  if (isFinal(status) || phase === 'validating') return;
  next.over_budget_at = event.recorded_at;
  if (event.detail) next.detail = event.detail;
  raise(next, 'over_budget');
}

/** Takes an event that names the conversation, and after a resumption the pane that it is open in. */
export function takeConversation(next: JobRecord, event: RecordedEvent): void {
  const { conversation, agent_session, agent_process } = exactDataOf(event);
  if (conversation === undefined || conversation.from < 0) return;
  next.conversation = conversation;
  if (next.usage !== undefined) next.usage_before = next.usage;
  if (agent_session !== undefined) next.agent_session = agent_session;
  if (agent_process !== undefined) next.agent_process = agent_process;
  // Whoever has opened it again has that session; the one that was started for the job alone is gone.
  if (agent_session !== undefined && next.new_session !== undefined)
    next.session_end ??= { how: 'taken', at: event.recorded_at };
}
