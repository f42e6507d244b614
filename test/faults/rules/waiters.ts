import { needsAttention } from '../../../src/job/apply.ts';
import type { JobRecord } from '../../../src/job/record.ts';
import { isFinal } from '../../../src/job/words.ts';
import type { Evidence, Told } from '../evidence.ts';
import { isOurs, type Rule, said, states } from './rule.ts';

/** What a waiter is told is in the journal, and with a cursor it misses nothing. */
export const waiters: Rule = (evidence) =>
  evidence.told
    .filter((told) => isOurs(told) && told.outcome === 'answer' && /^(wait_job|mam wait)$/.test(told.call))
    .flatMap((told) => problems(told, evidence).map((problem) => `${said(told)} on ${told.job}: ${problem}`));

function problems({ job: id = '', answer, args, call, code }: Told, { jobs }: Evidence): string[] {
  const job = jobs[id];
  if (job === undefined || answer.cursor === '') return [];
  const found: string[] = [];
  const all = states(job);
  const to = placeIn(answer.cursor, id);
  const from = call === 'wait_job' ? placeIn(args.cursor, id) : undefined;
  const now = to === undefined ? undefined : all.get(to);
  const brief = answer.jobs.find((one: { job_id: string }) => one.job_id === id);
  if (to !== undefined && now === undefined && to > 0) found.push(`its cursor ${to} is beyond the journal`);
  if (brief !== undefined && ![...all.values()].some((state) => isSame(state, brief)))
    found.push(`it was told ${brief.status} ${brief.reason ?? ''}, which the job never was`);
  for (const { seq, type, source } of answer.events) {
    const event = job.events.find((one) => one.seq === seq);
    if (event?.type !== type || event?.source !== source)
      found.push(`event ${seq} ${type} is another one in the journal: ${event?.type}`);
  }
  const seqs: number[] = answer.events.map(({ seq }: { seq: number }) => seq);
  if (seqs.some((seq, place) => place > 0 && seq !== (seqs[place - 1] ?? 0) + 1))
    found.push(`its events have gaps: ${seqs}`);
  if (from !== undefined && to !== undefined) {
    const told = seqs.length + (answer.events_left_out ?? 0);
    if (told !== to - from) found.push(`it was told of ${told} events from ${from} to ${to}`);
    if (answer.outcome === 'still_running' && now !== undefined && mustWake(now, from))
      found.push(
        `it was told that the job still runs, from ${from} to ${to}, where it was ${now.status} since ${now.wake_seq}`,
      );
  }
  if (call === 'mam wait' && brief !== undefined && code !== exitCode(answer.outcome, brief.status))
    found.push(`it ended with ${code} for ${answer.outcome}, ${brief.status}`);
  return found;
}

function mustWake(state: JobRecord, after: number): boolean {
  return (isFinal(state.status) || needsAttention(state)) && state.wake_seq > after;
}

function isSame(state: JobRecord, brief: Partial<JobRecord>): boolean {
  return state.status === brief.status && state.reason === brief.reason && state.late === brief.late;
}

function placeIn(cursor: string | undefined, job: string): number | undefined {
  const part = cursor?.split(' ').find((one) => one.startsWith(`${job}:`));
  return part === undefined ? undefined : Number(part.slice(job.length + 1));
}

function exitCode(outcome: string, status: string): number {
  if (outcome === 'needs_attention') return 4;
  if (status === 'completed') return 0;
  if (status === 'failed' || status === 'cancelled') return 1;
  return status === 'input_required' ? 4 : 3;
}
