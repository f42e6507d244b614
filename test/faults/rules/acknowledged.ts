import { createHash } from 'node:crypto';
import type { RecordedEvent } from '../../../src/job/event.ts';
import type { Evidence, JobEvidence, Told } from '../evidence.ts';
import { isOurs, type Rule, said } from './rule.ts';

/** What was acknowledged or kept is in the journal once and whole; what was refused is not; nothing is there twice. */
export const acknowledged: Rule = (evidence) => {
  const places = byToken(evidence);
  return evidence.told
    .filter(({ token }) => token !== undefined)
    .flatMap((told) => {
      const found = places.get(told.token ?? '') ?? [];
      const [first] = found;
      const { accepted, recorded, seq } = told.answer ?? {};
      if (found.length > 1) return [`${said(told)} stands in the journal ${found.length} times`];
      if (!isOurs(told))
        return found.length > 0 ? [`${said(told)} stands in the journal of another home`] : [];
      // An answer to the peer has no such text: it is accepted, or there is an error.
      const counts =
        told.outcome === 'answer' && (told.call === 'answer_job' || accepted === true || recorded === true);
      // Only the hub knows that there is no such job: what is kept meanwhile is refused when it arrives.
      const isNobodys =
        recorded === false && evidence.jobs[told.job ?? ''] === undefined && !wasDelegated(evidence, told);
      if (counts && first === undefined && !isNobodys)
        return [
          `${said(told)} was ${recorded === false ? 'kept' : 'recorded'}, and is not in the journal of ${told.job}`,
        ];
      if (told.outcome === 'answer' && !counts && first !== undefined)
        return [`${said(told)} was refused, and is in the journal of ${first.job} as ${first.event.seq}`];
      if (first === undefined) return [];
      if (seq !== undefined && seq !== first.event.seq)
        return [`${said(told)} was answered with seq ${seq}, and is ${first.event.seq} of ${first.job}`];
      if (first.job !== told.job)
        return [`${said(told)} was said of ${told.job}, and stands in ${first.job}`];
      return wholeResult(told, first.event, evidence.jobs[first.job]);
    });
};

function wholeResult(told: Told, event: RecordedEvent, job: JobEvidence | undefined): string[] {
  if (told.result === undefined) return [];
  const file = event.texts?.['result'];
  const is = file === undefined ? hash(event.result ?? '') : job?.texts[file];
  return is === told.result.sha256 ? [] : [`${said(told)}: its result is not whole`];
}

function wasDelegated({ told }: Evidence, { job }: Told): boolean {
  return told.some((one) => one.call === 'delegate_job' && one.outcome === 'answer' && one.job === job);
}

/** Where each report's text is. */
function byToken({ jobs }: Evidence): Map<string, { job: string; event: RecordedEvent }[]> {
  const places = new Map<string, { job: string; event: RecordedEvent }[]>();
  for (const [job, { events }] of Object.entries(jobs)) {
    for (const event of events) {
      if (event.detail === undefined || event.source === 'hub') continue;
      places.set(event.detail, [...(places.get(event.detail) ?? []), { job, event }]);
    }
  }
  return places;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
