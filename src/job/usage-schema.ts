import { z } from 'zod';

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
