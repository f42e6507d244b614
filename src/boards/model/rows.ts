import { agentWords } from '../../job/agent-words.ts';
import { LOST } from '../../job/home-state.ts';
import type { JobRow } from '../../job/row.ts';
import type { Standing } from '../../job/standing.ts';
import { isFinal, type Status } from '../../job/words.ts';
import { farOf } from '../../view/home.ts';
import { needText } from '../../view/summary.ts';

/** How many jobs a board knows about. */
export interface Count {
  open: number;
  /** Of the open ones. */
  needYou: number;
  /** There are more open ones than were counted. */
  more?: boolean;
  total: number;
}

/** True while something is still expected of a job: one that is lost has not ended, but is over. */
export function isOpen({ status, reason }: Pick<Standing, 'status' | 'reason'>): boolean {
  return !isFinal(status as Status) && reason !== LOST;
}

/** The status that decides a row's colours: a job that waits for a person looks like one that asks. */
export function toneOf({ status, needs_you, reason }: Standing): string {
  if (reason === LOST) return 'cancelled';
  return needs_you === true ? 'input_required' : status;
}

/** The latest words about a job, or its task if there are none yet. */
export function wordsOf(row: JobRow): string {
  return row.detail || row.prompt_preview;
}

/** Where a job's peer runs; undefined for a job without a pane. */
export function placeOf({ session, pane = '' }: JobRow): string | undefined {
  return session === undefined ? undefined : `tmux:${session} ${pane}`.trim();
}

/** Who has a job, and where: `codex in tmux:codex %3, on hostb`. */
export function holderOf(row: JobRow): string {
  const agent = row.agent === 'human' ? 'a person' : agentWords(row);
  const place = placeOf(row);
  const far = farOf(row);
  const where = row.host === undefined ? far : `on ${far}`;
  return [place === undefined ? agent : `${agent} in ${place}`, where].filter(Boolean).join(', ');
}

/** Counts listed jobs by their state. */
export function countJobs(rows: Iterable<JobRow>): Pick<Count, 'open' | 'needYou'> {
  const open = [...rows].filter(isOpen);
  return { open: open.length, needYou: open.filter(({ needs_you }) => needs_you === true).length };
}

/** How many jobs there are, in words. */
export function countText({ open, needYou, more = false, total }: Count): string {
  const needs = needYou === 0 ? [] : [needText(needYou)];
  return [`${open}${more ? '+' : ''} open`, ...needs, `${total} ${total === 1 ? 'job' : 'jobs'}`].join(' · ');
}
