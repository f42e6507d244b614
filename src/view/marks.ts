import type { Standing } from '../job/standing.ts';

const SIGNS: Partial<Record<Standing['status'], string>> = {
  queued: '○',
  input_required: '◆',
  completed: '✓',
  failed: '✗',
  cancelled: '-',
};

export function signOf({ status, needs_you }: Standing): string {
  return needs_you === true ? '◆' : (SIGNS[status] ?? '●');
}

/** A status in a word: its reason if it has one. */
export function wordOf({ status, reason, phase, blocked_by }: Standing): string {
  return reason ?? blocked_by ?? (phase === 'validating' && status === 'working' ? phase : status);
}

/** How long ago, in its largest unit: `12s`, `4m`, `2h`, `3d`. @param ms milliseconds */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
