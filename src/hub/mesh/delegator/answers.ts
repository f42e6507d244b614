import { z } from 'zod';
import { MamError } from '../../../base/errors.ts';
import { group, list } from '../../../base/fields.ts';
import { cleanAll } from '../../../base/text.ts';
import { agentSessionSchema, receiptEntrySchema, recordSchema } from '../../../job/record.ts';
import { type JobRow, jobRow } from '../../../job/row.ts';
import type { AgentRow, StartResult, StopResult } from '../../../operations/agents.ts';
import type { DelegateResult, PreviewResult } from '../../../operations/delegate.ts';
import type { ScreenResult } from '../../../operations/logs.ts';
import { paramsSchema } from '../../../operations/schema.ts';
import type { AskResult } from './asks.ts';

const receipt = z.object({
  repeated: z.boolean(),
  delivery: z.array(receiptEntrySchema),
  position: z.number().int(),
  behind: z.array(z.string()),
  warnings: z.array(z.string()),
});
const previewed = receipt.extend({
  record: recordSchema,
  typed_text: z.string().optional(),
  preamble: z.string().optional(),
  would_refuse: z.string().optional(),
});
const withRecord = z.object({ record: recordSchema });

const said = z.string().optional();
const agentRows = z.object({
  agents: z.array(
    z.looseObject({
      agent: z.string(),
      title: z.string(),
      ...{ state: said, evidence: said, peer_server: said, program: said, kind: said, about: said },
      jobs: z.array(z.string()),
      session: agentSessionSchema.optional(),
      started_by_us: z.boolean().optional(),
    }),
  ),
});
const started = z.object({
  session: agentSessionSchema,
  ready: z.boolean(),
  ...{ waits_for: said, not_resumed: said, out_of_reach: said },
  peer_server: z.enum(['connected', 'unknown']),
});
const screen = z.object({ screen: z.array(z.string()), live: z.boolean(), missing: said });
const stopped = z.object({ session: agentSessionSchema });
const jobRows = paramsSchema({ jobs: list(group(jobRow)) });

/** How far another host has handed over a job; nothing for an answer of another form. */
export function receiptOf(answer: AskResult): Partial<Omit<DelegateResult, 'record'>> {
  return receipt.safeParse(answer).data ?? {};
}

/** What another host would do with a job. @throws MamError `unavailable` for an answer of another form */
export function previewResultOf(host: string, answer: AskResult): PreviewResult {
  return readAnswer(previewed, host, answer);
}

/** The record in an answer about a job. @throws MamError as `previewResultOf` */
export function recordOf(host: string, answer: AskResult) {
  return readAnswer(withRecord, host, answer).record;
}

/** The agents of another host. @throws MamError as `previewResultOf` */
export function agentRowsOf(host: string, answer: AskResult): AgentRow[] {
  return readAnswer(agentRows, host, answer).agents;
}

/** The jobs that another host lists. @throws MamError as `previewResultOf` */
export function jobRowsOf(host: string, answer: AskResult): JobRow[] {
  return (readAnswer(jobRows, host, answer) as unknown as { jobs: JobRow[] }).jobs;
}

/** How the start of an agent on another host went. @throws MamError as `previewResultOf` */
export function startResultOf(host: string, answer: AskResult): StartResult {
  return readAnswer(started, host, answer);
}

/** What a job's pane on another host shows, harmless for a terminal and a model. @throws MamError as `previewResultOf` */
export function screenResultOf(host: string, answer: AskResult): ScreenResult {
  return cleanAll(readAnswer(screen, host, answer));
}

/** The session that was ended on another host. @throws MamError as `previewResultOf` */
export function stopResultOf(host: string, answer: AskResult): StopResult {
  return readAnswer(stopped, host, answer);
}

/** What an answer says, in its expected form. @throws MamError `unavailable` for another one */
export function readAnswer<T>(schema: z.ZodType<T>, host: string, answer: AskResult): T {
  const { data } = schema.safeParse(answer);
  if (data !== undefined) return data;
  throw new MamError(
    'unavailable',
    `The answer of ${host} does not have the expected form.`,
    'Use the same version of mam on both hosts.',
  );
}
