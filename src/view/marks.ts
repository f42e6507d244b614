import { LOST } from '../job/home-state.ts';
import type { Standing } from '../job/standing.ts';
import { isFinal, type Status } from '../job/words.ts';

const SIGNS: Partial<Record<Standing['status'], string>> = {
  queued: '○',
  input_required: '◆',
  completed: '✓',
  failed: '✗',
  cancelled: '-',
};

export function signOf({
  status,
  needs_you,
  reason,
}: Pick<Standing, 'status' | 'needs_you' | 'reason'>): string {
  if (reason === LOST) return '-';
  return needs_you === true ? '◆' : (SIGNS[status] ?? '●');
}

type Shown = Pick<Standing, 'status' | 'reason' | 'blocked_by' | 'work'> & { phase?: string; agent?: string };

/** A status in a word or two: its reason if it has one. */
export function wordOf(job: Shown): string {
  return moreOf(job) ?? stateOf(job);
}

/** A status in words, with its reason: `needs you (permission)`. */
export function standingWords(job: Shown): string {
  const [state, more] = [stateOf(job), moreOf(job)];
  return more === undefined ? state : `${state} (${more})`;
}

/** A name of the protocol, such as `turn_ended`, as people read it. */
export function plainWords(name: string): string {
  return name === 'input_required' ? 'needs you' : name.replaceAll('_', ' ');
}

function stateOf({ status, agent }: Shown): string {
  // No agent works on a person's job.
  return agent === 'human' && !isFinal(status as Status) ? 'yours' : plainWords(status);
}

function moreOf({ status, reason, phase, blocked_by, work }: Shown): string | undefined {
  const checking = phase === 'validating' && status === 'working' ? phase : undefined;
  const more = reason ?? blocked_by ?? checking ?? work;
  return more && plainWords(more);
}

/** How long ago, in its largest unit: `12s`, `4m`, `2h`, `3d`. @param ms milliseconds */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
