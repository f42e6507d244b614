import type { JobRecord } from './record.ts';
import type { Standing } from './standing.ts';
import { isFinal, type Status } from './words.ts';

/** What keeps a job from its pane, as the end of a sentence "Its pane …", and what lets it in. */
const WORDS: Readonly<Record<string, readonly [stands: string, remedy: string]>> = {
  busy: ['is in a turn of its own', 'The job goes in when that has ended.'],
  dialog: ['shows a dialog or a menu', 'Someone must answer or close it there.'],
  draft: [
    'has a text in its input box',
    'Someone must send or remove it there: it is neither sent nor overwritten.',
  ],
  copy_mode: ['is in copy mode', 'Someone must leave that there (q).'],
  not_ready: ['shows no input box', 'Someone must look there.'],
  unwritable: ['cannot be typed into, because MAM_HOME cannot be written', 'Someone must fix that.'],
  unreachable: ['cannot be typed into', 'Someone must look there.'],
};

/** Texts other than the order that are kept out. */
const KEPT: Readonly<Record<string, string>> = {
  messages: 'a message for its peer is kept out',
  reminder: 'the reminder to report is kept out',
};

type Reached = Pick<JobRecord, 'reason' | 'blocked_by' | 'detail'>;
type Kept = Pick<Standing, 'status' | 'blocked_by' | 'blocked_what' | 'blocked_step' | 'behind'>;

/** How the words about a job begin whose agent may live but cannot be reached. */
export const OUT_OF_REACH = 'Out of reach: ';

/** The shell command that brings such an agent back into reach, where our words name one. */
export function reachStep({ reason, blocked_by: by, detail = '' }: Reached): string | undefined {
  const isOut = reason === 'stalled' ? detail.startsWith(OUT_OF_REACH) : by === 'unreachable';
  return isOut ? /`([^`]*\bkill -USR1 \d+)`/.exec(detail)?.[1] : undefined;
}

/** What keeps an open job from its pane, in a few of our own words. */
export function obstacleOf({ status, blocked_by: by, blocked_what: what, blocked_step: step, behind }: Kept) {
  if (isFinal(status as Status) || by === undefined) return undefined;
  const kept = what === undefined ? '' : `${KEPT[what] ?? 'a text for its peer is kept out'}: `;
  if (behind !== undefined) {
    const stands = `${kept}job ${behind.job_id} has its pane and needs someone (${behind.needs})`;
    return { stands, remedy: 'It gets its turn when that one has ended.' };
  }
  const [stands, look] = WORDS[by] ?? [`is not free (${by})`, 'Someone must look there.'];
  const remedy = step === undefined ? look : `Someone must put that right: \`${step}\`.`;
  return { stands: `${kept}its pane ${stands}`, remedy };
}
