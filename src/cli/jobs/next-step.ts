import { shellWord } from '../../base/shell.ts';
import { needsAttention } from '../../job/apply.ts';
import { isAboutCheck } from '../../job/check.ts';
import { isHistory } from '../../job/history.ts';
import { reachStep } from '../../job/obstacle.ts';
import type { JobRecord } from '../../job/record.ts';
import { openRequest, waitsInItsPane } from '../../view/job.ts';

/** What a person, or a program that runs commands, can type next for a job. */
export function nextStep(record: JobRecord): string {
  const { job_id: id, reason } = record;
  // Nobody goes on with what is only history.
  if (isHistory(record)) return `mam status ${id}`;
  if (record.final_at !== undefined) return `mam logs ${id}`;
  if (record.behind !== undefined && reason === undefined) return `mam status ${record.behind.job_id}`;
  if (!needsAttention(record)) return `mam wait --job ${id}`;
  const reach = reachStep(record);
  if (reach !== undefined) return reach;
  if (waitsInItsPane(record)) return `mam attach ${id}`;
  const open = openRequest(record);
  const isCheck = open !== undefined && isAboutCheck(open);
  if (reason === 'permission' || isCheck) {
    // An event's own id, which its sender chooses.
    const request = shellWord(open?.request_id ?? '');
    if (isCheck)
      return `mam verify ${id}; then mam answer --job ${id} --request ${request} --allow (or --deny)`;
    return `mam answer --job ${id} --request ${request} --allow (or --deny)`;
  }
  if (reason === 'question') return `mam answer --job ${id} "YOUR ANSWER"`;
  if (record.blocked_by !== undefined) return record.blocked_step ?? `mam attach ${id}`;
  if (reason === 'turn_ended') return `mam answer --job ${id} "YOUR INSTRUCTION"`;
  return `mam attach ${id}`;
}
