import { isFinal, type Status } from '../../../src/job/words.ts';
import type { Evidence, Told } from '../evidence.ts';
import { isAmendable, isOurs, type Rule, said, states } from './rule.ts';

/** What a process was told about a job's state. */
interface Word {
  told: Told;
  job: string;
  status: Status;
  reason?: string | undefined;
}

/** How long readers of files may lag behind the hub, in ms. */
const BEHIND_MS = 3_000;

/** Every reported end was true and is revoked only by a late report; no existing job is denied. */
export const toldEnds: Rule = (evidence) => {
  const { told, jobs } = evidence;
  const found: string[] = [];
  const words = told.filter(isOurs).flatMap(wordsOf);
  const ends = words.filter(({ status }) => isFinal(status));
  const known = new Map<string, Set<string>>();
  for (const end of ends) {
    const job = jobs[end.job];
    if (job === undefined) continue;
    const states = known.get(end.job) ?? statesOf(job);
    known.set(end.job, states);
    const is = `${end.status} ${end.reason ?? ''}`;
    if (!states.has(is) && !states.has(end.status))
      found.push(`${said(end.told)} was told that ${end.job} is ${is.trim()}, which it never was`);
    else if (end.reason !== undefined && !states.has(is))
      found.push(`${said(end.told)} was told that ${end.job} is ${is.trim()}, which it never was`);
    const last = job.folded;
    if (last === undefined || last.status === end.status) continue;
    if (!(last.late && (end.reason === undefined ? end.status === 'failed' : isAmendable(end))))
      found.push(
        `${said(end.told)} was told that ${end.job} is ${is.trim()}, and it is ${last.status} in the end`,
      );
  }
  return [...found, ...wentBack(words, ends, evidence), ...denied(evidence)];
};

function statesOf(job: Evidence['jobs'][string]): Set<string> {
  const all = [...states(job).values()];
  return new Set(all.flatMap(({ status, reason }) => [status, `${status} ${reason ?? ''}`]));
}

/** A job is reported as open after its end was reported. */
function wentBack(words: Word[], ends: Word[], { patience }: Evidence): string[] {
  const first = new Map<string, Word>();
  for (const end of ends) {
    const known = first.get(end.job);
    if (known === undefined || (end.told.ended ?? 0) < (known.told.ended ?? 0)) first.set(end.job, end);
  }
  return words.flatMap((word) => {
    const end = first.get(word.job);
    if (end?.told.ended === undefined || isFinal(word.status)) return [];
    const behind = ['mam list', 'mam status', 'list_jobs'].includes(word.told.call)
      ? BEHIND_MS * patience
      : 0;
    if (word.told.began <= end.told.ended + behind) return [];
    return [
      `${said(word.told)} was told that ${word.job} is ${word.status}, after ${said(end.told)} had been told that it is ${end.status}`,
    ];
  });
}

/** A job that was delegated before is reported as nonexistent. */
function denied({ told, jobs }: Evidence): string[] {
  const since = new Map<string, number>();
  for (const { call, outcome, job, ended } of told)
    if (
      call === 'delegate_job' &&
      outcome === 'answer' &&
      job !== undefined &&
      ended !== undefined &&
      !since.has(job)
    )
      since.set(job, ended);
  return told.flatMap((one) => {
    const from = since.get(one.job ?? '');
    const denies = /There is no job/.test(`${one.words ?? ''} ${one.answer?.next ?? ''}`);
    if (
      !denies ||
      from === undefined ||
      one.began < from ||
      !isOurs(one) ||
      jobs[one.job ?? ''] === undefined
    )
      return [];
    return [`${said(one)} was told that there is no job ${one.job}`];
  });
}

function wordsOf(told: Told): Word[] {
  if (told.outcome !== 'answer') return [];
  const { answer, call } = told;
  const rows =
    call === 'wait_job' || call === 'mam wait' || call === 'list_jobs' || call === 'mam list'
      ? answer.jobs
      : [answer];
  return (rows ?? []).flatMap((row: Partial<Word> & { job_id?: string }): Word[] => {
    const job = row.job_id ?? told.job;
    return job === undefined || row.status === undefined
      ? []
      : [{ told, job, status: row.status, reason: row.reason }];
  });
}
