import { cut, wrap } from '../../base/columns.ts';
import { cleanLine } from '../../base/text.ts';
import { openRequest } from '../../job/open-request.ts';
import { changesLine, overlapText } from '../../view/changes.ts';
import { foldDelivery } from '../../view/delivery.ts';
import { awayText } from '../../view/home.ts';
import { obstacleText } from '../../view/summary.ts';
import { timeline } from '../../view/timeline.ts';
import { usageOfJob } from '../../view/usage.ts';
import { worktreeText } from '../../view/worktree.ts';
import { timeOf } from '../model/entries.ts';
import type { Way } from '../model/request.ts';
import { shown } from './cells.ts';
import { openWay } from './dialog.ts';
import type { Layout } from './layout.ts';
import { saidBy, whoOf } from './log-lines.ts';
import type { Detail } from './state.ts';

/** A line about the selected job. */
export interface JobLine {
  kind: 'prompt' | 'event' | 'ask';
  /** What is less important at its beginning. */
  lead: string;
  text: string;
}

/** How much of the room the prompt and the request may take, if there is more to show. */
const PROMPT_SHARE = 0.25;
const ASK_SHARE = 0.34;
const MOST_PROMPT = 4;
/** Lines for one fact: room for an outcome, a branch and the path of its worktree beside a screen. */
const MOST_FACT = 5;
/** With less room, events are more useful than what was changed and used. */
const LEAST_EVENTS = 5;
const LEAD_WIDTH = 16;
const WORDS_CHARS = 300;
const KEYS: Readonly<Record<Way, string>> = {
  words: 'r answer:',
  decision: 'y allow, n deny:',
  pane: 'Enter attach, and answer there:',
};

/** The selected job's prompt, its newest events, and what it asks for, in lines that fill the room at most. */
export function jobLines(detail: Detail, { width, height }: Layout['text']): JobLine[] {
  const ask = askOf(detail);
  const asked = ask === undefined ? [] : fitting(ask, width, shareOf(height, ASK_SHARE));
  const left = height - asked.length;
  const task = `prompt: ${cleanLine(detail.record.prompt_preview, WORDS_CHARS)}`;
  const isLong = detail.record.prompt_bytes > Buffer.byteLength(detail.record.prompt_preview);
  const most = Math.min(MOST_PROMPT, shareOf(height, PROMPT_SHARE));
  const prompt = left < 2 ? [] : fitting(shown(isLong ? `${task} … (p)` : task), width, most);
  const facts = factLines(detail, Math.max(0, left - prompt.length - LEAST_EVENTS + 1), width);
  return [
    ...[...prompt, ...facts].map((text) => ({ kind: 'prompt' as const, lead: '', text })),
    ...eventLines(detail, left - prompt.length - facts.length, width),
    ...asked.map((text) => ({ kind: 'ask' as const, lead: '', text })),
  ];
}

/** As many facts as there is room for, a line each; then the first ones get more lines where they need them. */
function factLines(detail: Detail, room: number, width: number): string[] {
  const facts = factsOf(detail).slice(0, room);
  let spare = room - facts.length;
  return facts.flatMap((text) => {
    const most = Math.min(MOST_FACT, 1 + spare);
    // A single line ends within a word rather than before a long path.
    const lines = most === 1 ? [cut(shown(text), width)] : fitting(shown(text), width, most);
    spare -= lines.length - 1;
    return lines;
  });
}

/** What it has changed, who else has, what became of that, and what it has used: the most important one first. */
function factsOf({ record }: Detail): string[] {
  const { changes, overlaps } = record;
  const facts = {
    changed: changesLine({ changes }),
    overlaps: overlaps && overlapText(overlaps),
    work: worktreeText(record),
    used: usageOfJob(record),
  };
  return Object.entries(facts).flatMap(([name, text]) => (text === undefined ? [] : [`${name}: ${text}`]));
}

/** What the job needs, and the keys for it. */
function askOf({ record }: Detail): string | undefined {
  const away = awayText(record);
  if (away !== undefined) return shown(away);
  const asked = openRequest(record);
  if (asked === undefined) {
    const kept = obstacleText(record);
    return kept === undefined ? undefined : shown(kept);
  }
  return `${KEYS[openWay(record) ?? 'words']} ${shown(asked.text).replace(/\s+/g, ' ')}`;
}

/** The newest events, oldest first, each on one line. */
function eventLines({ events, record }: Detail, count: number, width: number): JobLine[] {
  if (count < 1) return [];
  const entries = foldDelivery(timeline(events, record), record);
  return entries.slice(-count).map((entry) => ({
    kind: 'event',
    lead: `${timeOf(entry.recorded_at)} ${whoOf(entry)} `,
    text: cut(cleanLine(saidBy(entry), WORDS_CHARS), width - LEAD_WIDTH),
  }));
}

function shareOf(height: number, share: number): number {
  return Math.max(1, Math.floor(height * share));
}

/** The first lines of a text; the last of them ends in `…` if there are more. */
function fitting(text: string, width: number, most: number): string[] {
  const lines = wrap(text, width);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), cut(`${lines[most - 1]}…`, width)];
}
