import { z } from 'zod';
import { raise } from './attention.ts';
import { dataOf, type RecordedEvent } from './event.ts';
import type { JobRecord } from './record.ts';
import { isFinal } from './words.ts';

/** What a job's agent has used, in tokens, as the agent itself says it. */
export const usageSchema = z.object({
  models: z.array(z.string()).describe('as the agent names them'),
  input_tokens: z.number().int().describe('all that the models have read, also what came from a cache'),
  output_tokens: z.number().int().describe('all that they have written, also their reasoning'),
  cached_tokens: z.number().int().describe('the part of input_tokens that came from a cache'),
  source: z.string().describe("transcript, or plugin: OpenCode's, which is mam's"),
});
export type Usage = z.infer<typeof usageSchema>;

/** The agent's conversation in which a job's prompt was taken. */
export const conversationSchema = z.object({
  agent: z.string().describe('its kind'),
  id: z.string().describe("the agent's own id of it"),
  transcript: z.string().optional().describe("the agent's own record of it"),
  ledger: z.string().optional().describe('file with what was used, where that is not the transcript'),
  from: z.number().int().describe("where the job's part of that file begins, in bytes"),
  model: z.string().optional().describe('the model at that point'),
});
export type Conversation = z.infer<typeof conversationSchema>;

/** A model's name is a short word; anything longer is cut. */
const MODEL_CHARS = 100;
/** More models than an agent uses for one job. */
const MODELS = 20;

/** What counts towards `max_tokens`: what is read from a cache is repeated in every step, and costs little. */
export function spentTokens({ input_tokens, output_tokens, cached_tokens }: Usage): number {
  return Math.max(0, input_tokens - cached_tokens) + output_tokens;
}

/** Both together. */
export function addUsage(one: Usage | undefined, other: Usage): Usage {
  if (one === undefined) return other;
  return {
    models: [...new Set([...one.models, ...other.models])].slice(0, MODELS),
    input_tokens: one.input_tokens + other.input_tokens,
    output_tokens: one.output_tokens + other.output_tokens,
    cached_tokens: one.cached_tokens + other.cached_tokens,
    source: other.source,
  };
}

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
  const { conversation, agent_session, agent_process } = dataOf(event);
  const parsed = conversationSchema.safeParse(conversation);
  if (!parsed.success) return;
  next.conversation = parsed.data;
  if (next.usage !== undefined) next.usage_before = next.usage;
  if (agent_session !== undefined) next.agent_session = agent_session;
  if (agent_process !== undefined) next.agent_process = agent_process;
}

/** What an event says, with nothing in it that is no count: another version or host may have written it. */
export function usageOf(value: unknown): Usage | undefined {
  const parsed = usageSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { models, ...counts } = parsed.data;
  return { models: models.slice(0, MODELS).map((name) => name.slice(0, MODEL_CHARS)), ...counts };
}
