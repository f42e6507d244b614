import { wrap } from '../../base/columns.ts';
import type { TextLine } from './texts.ts';

const KEY_WIDTH = 12;

const KEYS: readonly (readonly [string, string])[] = [
  ['↑ ↓ j k', 'the job above, the job below'],
  ['PgUp PgDn', 'a page up, a page down'],
  ['Home End', 'the first job, the last one (also g and G)'],
  ['Tab', 'the next job that needs you'],
  ['', ''],
  ['Enter a', 'attach (return with Ctrl-b d, in the same tmux with Ctrl-b L)'],
  ['y n', 'allow or deny its permission request'],
  ['r', 'answer its question, or give an instruction'],
  ['d', "report a person's job done"],
  ['c', 'cancel the job'],
  ['', ''],
  ['p', 'its whole prompt'],
  ['l', 'its whole log, live'],
  ['D', 'what it has changed (git, read only)'],
  ['', ''],
  ['n', 'a new job; N also while n denies a permission'],
  ['s', 'start an agent'],
  ['/', 'filter by words, Esc clears it'],
  ['o', 'open jobs only, or all'],
  ['b', 'the bell that rings when a job begins to need you: off, on'],
  ['q Ctrl-C', 'leave the board; jobs continue'],
];

const ABOUT =
  'The jobs that need you are first, the one that has waited longest at the top; then those at work, those in a queue, and those that have ended, the newest first. The selection stays on its job.';

/** All keys, in lines of at most `width` columns. */
export function helpLines(width: number): TextLine[] {
  const room = Math.max(1, width - KEY_WIDTH);
  const keys = KEYS.flatMap(([key, text]) =>
    wrap(text, room).map((line, index) => ({ text: `${(index === 0 ? key : '').padEnd(KEY_WIDTH)}${line}` })),
  );
  return [...keys, { text: '' }, ...wrap(ABOUT, width).map((text) => ({ text, tone: 'dim' as const }))];
}
