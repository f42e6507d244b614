import { z } from 'zod';
import type { DiffPage, DiffResult } from '../../../operations/diff.ts';
import type { DiscardResult } from '../../../operations/discard.ts';
import type { MergeResult } from '../../../operations/merge.ts';
import { readAnswer } from './answers.ts';
import type { AskResult } from './asks.ts';

type WithoutRecord<T> = Omit<T, 'record'>;

const count = z.number().int().min(0);
const said = z.string().optional();
const page = z.object({
  data: z.base64(),
  size: count,
  page: said,
  next_offset: count.optional(),
});
const difference = page.extend({
  base: z.string(),
  ...{ folder: said, commit: said, branch: said },
  files: z.array(
    z.object({ path: z.string(), old_path: said, added: count.optional(), deleted: count.optional() }),
  ),
  files_total: count,
  notes: z.array(z.string()),
});
const merged = z.object({
  ...{ branch: z.string(), into: z.string(), folder: z.string(), commit: z.string(), said },
  how: z.enum(['already', 'forward', 'commit', 'nothing']),
});
const discarded = z.object({
  state: z.enum(['there', 'gone', 'none']),
  ...{ folder: z.string(), branch: z.string(), commit: said, lost: said },
  branch_deleted: z.boolean(),
});

/** What a job has changed on another host. @throws MamError `unavailable` for an answer of another form */
export function differenceIn(host: string, answer: AskResult): WithoutRecord<DiffResult> {
  return readAnswer(difference, host, answer);
}

/** A later page of that. @throws MamError as `differenceIn` */
export function diffPageIn(host: string, answer: AskResult): DiffPage {
  return readAnswer(page, host, answer);
}

/** How the work was merged there. @throws MamError as `differenceIn` */
export function mergedIn(host: string, answer: AskResult): WithoutRecord<MergeResult> {
  return readAnswer(merged, host, answer);
}

/** What was removed there. @throws MamError as `differenceIn` */
export function discardedIn(host: string, answer: AskResult): WithoutRecord<DiscardResult> {
  return readAnswer(discarded, host, answer);
}
