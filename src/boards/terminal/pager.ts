import { wrap } from '../../base/columns.ts';
import { shown } from './cells.ts';
import { helpLines } from './help.ts';
import { type Key, MOVES } from './key.ts';
import { logLines } from './log-lines.ts';
import { layoutFor, type State } from './state.ts';
import { forget, type TextLine, type TextName } from './texts.ts';

/** A long text that covers the board. */
export interface Pager {
  kind: 'pager';
  what: 'prompt' | 'log' | 'changes' | 'help';
  jobId: string;
  /** Its first line on the screen. */
  top: number;
  /** It shows the end, wherever that is. */
  toEnd: boolean;
}

/** The lines around its text: its title and a blank one. */
const FRAME = 2;
/** Columns of the margin on both sides. */
const MARGIN = 2;
const TITLES = { prompt: 'Prompt of', log: 'Log of', changes: 'What changed for' } as const;

/** Opens a text of a job; what was fetched earlier is fetched again. */
export function openPager(state: State, what: Pager['what'], jobId: string): State {
  const texts = what === 'help' ? state.texts : forget(state.texts, what);
  const mode: Pager = { kind: 'pager', what, jobId, top: 0, toEnd: what === 'log' };
  return { ...state, texts, mode };
}

export function pagerTitle({ what, jobId }: Pager): string {
  return what === 'help' ? 'Keys' : `${TITLES[what]} ${jobId}`;
}

/** How many lines of the text fit on the screen. */
export function pagerRoom(state: State): number {
  return Math.max(1, layoutFor(state).body - FRAME);
}

let cached: { source: unknown; width: number; lines: readonly TextLine[] } | undefined;

/** The text in lines that fit; undefined while it is being fetched. Cached, because a text may be long. */
export function pagerLines(state: State, mode: Pager): readonly TextLine[] | undefined {
  const width = Math.max(1, state.size.columns - MARGIN);
  const failed = state.texts.failed;
  if (failed?.what === mode.what) return wrap(failed.text, width).map((text) => ({ text, tone: 'bad' }));
  const source = mode.what === 'help' ? state.bell : state.texts[mode.what];
  if (source === undefined || (typeof source === 'object' && source.jobId !== mode.jobId)) return undefined;
  if (cached?.source !== source || cached.width !== width)
    cached = { source, width, lines: linesOf(state, mode.what, width) };
  return cached.lines;
}

function linesOf({ texts }: State, what: Pager['what'], width: number): readonly TextLine[] {
  if (what === 'help') return helpLines(width);
  if (what === 'log') return texts.log === undefined ? [] : logLines(texts.log, width);
  if (what === 'prompt') return wrap(shown(texts.prompt?.text ?? ''), width).map((text) => ({ text }));
  return (texts.changes?.lines ?? []).flatMap(({ text, tone }) =>
    wrap(shown(text), width).map((line) => ({ text: line, tone })),
  );
}

/** The first line on the screen. */
export function topOf(state: State, mode: Pager): number {
  const most = Math.max(0, (pagerLines(state, mode)?.length ?? 0) - pagerRoom(state));
  return mode.toEnd ? most : Math.max(0, Math.min(mode.top, most));
}

/** Scrolls, fetches the text again, or goes back to the list. */
export function pageBy(state: State, mode: Pager, key: Key): State {
  const name = 'name' in key ? key.name : MOVES[key.text];
  const room = pagerRoom(state);
  const top = topOf(state, mode);
  const to = (line: number, toEnd = false): State => ({
    ...state,
    mode: { ...mode, top: Math.max(0, line), toEnd },
  });
  switch (name) {
    case 'up':
      return to(top - 1);
    case 'down':
      return to(top + 1, staysAtEnd(mode));
    case 'pageUp':
      return to(top - room);
    case 'pageDown':
      return to(top + room, staysAtEnd(mode));
    case 'home':
      return to(0);
    case 'end':
      return to(top, true);
    default:
  }
  if ('text' in key && key.text === ' ') return to(top + room, staysAtEnd(mode));
  if ('text' in key && key.text === 'r' && mode.what !== 'help')
    return { ...state, texts: forget(state.texts, mode.what) };
  const isBack = name === 'escape' || name === 'enter' || 'text' in key;
  return isBack ? { ...state, mode: { kind: 'list' } } : state;
}

/** A log whose end is on the screen goes on with it. */
function staysAtEnd(mode: Pager): boolean {
  return mode.what === 'log' && mode.toEnd;
}

/** What the open text, form or menu lacks. */
export function lacking({ mode, texts, detail }: State): TextName | undefined {
  if (mode.kind === 'form' || mode.kind === 'menu')
    return texts.agents === undefined && texts.failed === undefined ? 'agents' : undefined;
  if (mode.kind !== 'pager' || mode.what === 'help' || texts.failed?.what === mode.what) return undefined;
  const known = texts[mode.what];
  if (known?.jobId !== mode.jobId) return mode.what;
  const isBehind =
    mode.what === 'log' && detail?.jobId === mode.jobId && detail.record.seq > (texts.log?.record.seq ?? 0);
  return isBehind ? 'log' : undefined;
}
