import { isFinal } from '../../../src/job/words.ts';
import { isAmendable, type Rule } from './rule.ts';

/** How soon a limit that passed during a fault fires after the fault was fixed, in ms. */
const BOUND_MS = 15_000;
/** Clocks are read twice, and timers fire a little early. */
const EARLY_MS = 50;

/** Every job ends, no limit fires early, and a due one fires soon once nothing blocks it. */
export const limits: Rule = ({ jobs, mended, patience, restless }) => {
  const found = restless.map((what) => `did not come to rest: ${what}`);
  for (const [id, { folded, events }] of Object.entries(jobs)) {
    if (folded === undefined) continue;
    const { submitted_at: submitted, timeouts, final_at: at, status } = folded;
    if (!isFinal(status)) found.push(`${id} is ${status} in the end, with no limit that fires`);
    if (submitted === undefined) continue;
    const due = Date.parse(submitted) + timeouts.timeout_seconds * 1000;
    const fired = events.find(({ type }) => type === 'timeout');
    if (fired !== undefined && Date.parse(fired.recorded_at) < due - EARLY_MS)
      found.push(
        `${id}: its limit of ${timeouts.timeout_seconds} s fired ${due - Date.parse(fired.recorded_at)} ms early`,
      );
    const end = Date.parse((fired === undefined ? at : fired.recorded_at) ?? '');
    if (end > Math.max(due, mended) + BOUND_MS * patience && !isAmended(folded))
      found.push(
        `${id}: its limit of ${timeouts.timeout_seconds} s was due at ${new Date(due).toISOString()}, and it ended ${end - due} ms later`,
      );
  }
  return found;
};

function isAmended({
  late,
  status,
  reason,
}: {
  late: boolean;
  status: string;
  reason?: string | undefined;
}): boolean {
  return late && !isAmendable({ status, reason });
}
