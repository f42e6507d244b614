import { plainWords } from '../../view/marks.ts';
import type { TimelineEntry } from '../../view/shapes.ts';
import { entryWords, foldEntries, timeOf } from '../model/entries.ts';
import { el } from './dom.ts';

interface Line {
  /** What it shows: a stage of a delivery becomes another one. */
  shown: string;
  item: HTMLLIElement;
}

/** A job's history, newest first. Entries that are already shown keep their element. */
export class HistoryView {
  readonly element = el('ol', { class: 'history', 'aria-label': 'History, newest first' });
  readonly #hasTexts: boolean;
  readonly #lines = new Map<number, Line>();

  /** @param hasTexts each entry also shows the result, and what a check that did not pass has printed */
  constructor(hasTexts: boolean) {
    this.#hasTexts = hasTexts;
  }

  show(entries: readonly TimelineEntry[]): void {
    const folded = foldEntries(entries);
    const kept = new Set(folded.map(({ seq }) => seq));
    for (const [seq, { item }] of this.#lines) {
      if (kept.has(seq)) continue;
      item.remove();
      this.#lines.delete(seq);
    }
    let place: Element | null = this.element.firstElementChild;
    for (const entry of folded.reverse()) {
      const before = this.#lines.get(entry.seq);
      const item = this.#item(entry);
      if (before !== undefined && before.item !== item) {
        if (place === before.item) place = item;
        before.item.replaceWith(item);
      }
      if (item === place) place = place.nextElementSibling;
      else this.element.insertBefore(item, place);
    }
  }

  #item(entry: TimelineEntry): HTMLLIElement {
    const shown = JSON.stringify(entry);
    const known = this.#lines.get(entry.seq);
    if (known?.shown === shown) return known.item;
    const item = lineOf(entry, this.#hasTexts ? textsOf(entry) : []);
    this.#lines.set(entry.seq, { shown, item });
    return item;
  }
}

/** The texts of an entry for which its line has no room: the result, and what a check that did not pass has printed. */
function textsOf({ detail, result, passed, output_tail: output }: TimelineEntry): string[] {
  return [detail === undefined ? undefined : result, passed === true ? undefined : output].filter(
    (text) => text !== undefined && text.trim() !== '',
  ) as string[];
}

function lineOf(entry: TimelineEntry, texts: readonly string[]): HTMLLIElement {
  return el(
    'li',
    { class: 'event' },
    el('time', { datetime: entry.recorded_at }, timeOf(entry.recorded_at)),
    el('span', { class: 'type' }, plainWords(entry.type)),
    el('span', { class: 'by' }, entry.by),
    el('span', { class: 'said' }, entryWords(entry)),
    ...texts.map((text) => el('pre', { class: 'text', tabindex: '0' }, text)),
  );
}
