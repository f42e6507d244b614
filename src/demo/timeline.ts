import { verdictWords } from '../job/check.ts';
import type { JobStatus } from './mam-client.ts';

/** One moment of the demo. */
export interface Moment {
  /** Milliseconds since delegate_job was called. */
  ms: number;
  source: string;
  what: string;
  detail?: string;
}

/** When delegate_job was called and answered, and when wait_job answered, in ms since 1970. */
type SupervisorTimes = Record<'called' | 'delegated' | 'waited', number>;

/** The job's events and the supervisor's calls in the order of their times. */
export function timelineOf(status: JobStatus, times: SupervisorTimes, stage: string): Moment[] {
  const { called, delegated, waited } = times;
  const evidence = new Map(status.delivery.map((step) => [step.stage, step.evidence]));
  const events = status.events.map(({ type, source, recorded_at: at, detail }): Moment => {
    const verdict = type === 'validated' ? verdictWords({ ...status.validation }) : undefined;
    const words = detail ?? (source === 'hub' ? evidence.get(type) : undefined) ?? verdict;
    return { ms: Date.parse(at) - called, source, what: type, ...(words !== undefined && { detail: words }) };
  });
  const call = (at: number, what: string, detail: string): Moment => {
    return { ms: at - called, source: 'supervisor', what, detail };
  };
  const answered = call(delegated, 'delegate_job', `answered: ${stage}`);
  // Events keep their order; at equal times, a call comes before the events that it caused and after those that it waited for.
  const middle = [...events, answered].sort((a, b) => a.ms - b.ms);
  return [call(called, 'delegate_job', 'called'), ...middle, call(waited, 'wait_job', 'answered: final')];
}
