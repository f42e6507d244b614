import { z } from 'zod';
import { MamError } from '../../base/errors.ts';
import { receiptEntrySchema, recordSchema } from '../../job/record.ts';
import type { DelegateResult, PreviewResult } from '../../operations/delegate.ts';
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
  would_refuse: z.string().optional(),
});
const withRecord = z.object({ record: recordSchema });

/** How far another host has handed over a job; nothing for an answer of another form. */
export function receiptOf(answer: AskResult): Partial<Omit<DelegateResult, 'record'>> {
  return receipt.safeParse(answer).data ?? {};
}

/** What another host would do with a job. @throws MamError `unavailable` for an answer of another form */
export function previewResultOf(host: string, answer: AskResult): PreviewResult {
  return read(previewed, host, answer);
}

/** The record in an answer about a job. @throws MamError as `previewResultOf` */
export function recordOf(host: string, answer: AskResult) {
  return read(withRecord, host, answer).record;
}

function read<T>(schema: z.ZodType<T>, host: string, answer: AskResult): T {
  const { data } = schema.safeParse(answer);
  if (data !== undefined) return data;
  throw new MamError(
    'unavailable',
    `The answer of ${host} is not of the expected form.`,
    'Use the same version of mam on both hosts.',
  );
}
