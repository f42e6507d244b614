import { someOf } from '../base/text.ts';
import type { JobRecord } from './record.ts';
import type { Standing } from './standing.ts';
import { isFinal, type Status } from './words.ts';

/** How many jobs a sentence names. */
const NAMED_JOBS = 5;

/** What blocks a job, as the end of a sentence "Its pane …", and what helps. */
const WORDS: Readonly<Record<string, readonly [cause: string, remedy: string]>> = {
  busy: ['is busy with another turn', 'The job is typed in when that turn ends.'],
  dialog: ['shows a dialog or a menu', 'Someone must answer or close it there.'],
  draft: [
    'has a text in its input box',
    'Someone must send or remove it there: it is neither sent nor overwritten.',
  ],
  copy_mode: ['is in copy mode', 'Someone must leave copy mode there (q).'],
  not_ready: ['shows no input box', 'Someone must look there.'],
  conversation: [
    'did not begin a new conversation',
    "Someone must begin one there with the agent's own command, or cancel the job: its order is not typed into the old conversation.",
  ],
  unwritable: ['cannot be typed into, because MAM_HOME cannot be written', 'Someone must fix that.'],
  unreachable: ['cannot be typed into', 'Someone must look there.'],
};

/** What a job waits for before it is in any pane's queue, as a sentence without its end, and when it goes on. */
const HELD: Readonly<Record<string, readonly [cause: string, remedy: string]>> = {
  after: ['it waits for other jobs', 'It is handed over when they have ended.'],
  pool: ['it waits for a free session', 'Its agent is started when there is one.'],
  setup: ['its worktree is being made', 'It is handed over when that is there.'],
};

/** Texts other than the order that are blocked. */
const KEPT: Readonly<Record<string, string>> = {
  messages: 'a message for its peer is blocked',
  reminder: 'the reminder to report is blocked',
};

type Reached = Pick<JobRecord, 'reason' | 'blocked_by' | 'detail' | 'home'>;
type Kept = Pick<Standing, 'status' | 'blocked_by' | 'blocked_what' | 'blocked_step' | 'behind'> &
  Partial<Pick<JobRecord, 'after'>>;

/** How the detail of a job begins whose agent may be alive but cannot be reached. */
export const OUT_OF_REACH = 'Out of reach: ';

/** The shell command that makes such an agent reachable again, if the detail names one. */
export function reachStep({ reason, blocked_by: by, detail = '', home }: Reached): string | undefined {
  // It would reach another process here.
  if (home !== undefined) return undefined;
  const isOut = reason === 'stalled' ? detail.startsWith(OUT_OF_REACH) : by === 'unreachable';
  return isOut ? /`([^`]*\bkill -USR1 \d+)`/.exec(detail)?.[1] : undefined;
}

/** What blocks an open job, or a text for its peer, in our own words. */
export function obstacleOf(job: Kept): { cause: string; remedy: string } | undefined {
  const { status, blocked_by: by, blocked_what: what, blocked_step: step, behind } = job;
  if (isFinal(status as Status) || by === undefined) return undefined;
  const held = own(HELD, by);
  if (held !== undefined) {
    const [cause, remedy] = held;
    const { after = [] } = job;
    if (by !== 'after' || after.length === 0) return { cause, remedy };
    return {
      cause: `it waits for ${someOf(after, NAMED_JOBS)}`,
      remedy: after.length === 1 ? 'It is handed over when that job has ended.' : remedy,
    };
  }
  const kept = what === undefined ? '' : `${own(KEPT, what) ?? 'a text for its peer is blocked'}: `;
  if (behind !== undefined) {
    const cause = `${kept}job ${behind.job_id} has its pane and needs someone (${behind.needs})`;
    return { cause, remedy: 'It gets its turn when that job ends.' };
  }
  const [state, look] = own(WORDS, by) ?? [`is not free (${by})`, 'Someone must look there.'];
  const remedy = step === undefined ? look : `Someone must fix that: \`${step}\`.`;
  return { cause: `${kept}its pane ${state}`, remedy };
}

/** A word may come from another hub, such as `constructor`. */
function own<T>(words: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(words, word) ? words[word] : undefined;
}
