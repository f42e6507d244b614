import type { JobRow } from '../../job/row.ts';
import { signOf, wordOf } from '../../view/marks.ts';
import type { TimelineEntry } from '../../view/shapes.ts';
import { obstacleText } from '../../view/summary.ts';
import { entryWords, timeOf } from '../model/entries.ts';
import { isOpen, placeOf, toneOf } from '../model/rows.ts';
import { AskView, type JobActions } from './ask-view.ts';
import { button, el, say } from './dom.ts';
import type { Log } from './log.ts';
import type { PersonView } from './person-view.ts';

/** The selected job: its state, what can be done about it, its screen and its history. One instance per job. */
export class DetailView {
  readonly element = el('section', { id: 'detail', 'aria-label': 'The selected job' });
  readonly #ask: AskView;
  readonly #canAct: boolean;
  readonly #own: PersonView | undefined;
  readonly #status = el('span', { class: 'status' });
  readonly #name = el('h2');
  readonly #facts = el('p', { class: 'facts' });
  readonly #task = el('p', { class: 'task' });
  readonly #problem = el('p', { class: 'problem' });
  readonly #screenTitle = el('h3');
  readonly #screen = el('pre', { class: 'screen', tabindex: '0' });
  readonly #history = el('ol', { class: 'history', 'aria-label': 'History, newest first' });
  readonly #older = button('Show older entries', 'quiet older', () => void this.#showOlder());
  #newest = 0;
  #oldest = Number.POSITIVE_INFINITY;
  #log: Log | undefined;

  /** @param actions absent if the client does not pass calls on @param own what only a person's page has */
  constructor(actions: JobActions | undefined, own?: PersonView) {
    this.#own = own;
    this.#canAct = actions !== undefined;
    this.#ask = new AskView(actions ?? { answer: none, decide: none, cancel: none });
    this.#screen.setAttribute('aria-label', "What the peer's terminal shows");
    this.element.append(
      ...(own === undefined ? [] : [own.back]),
      el('header', {}, this.#name, this.#status),
      ...[this.#facts, this.#task, ...(own === undefined ? [] : [own.task])],
      ...[this.#problem, ...(own === undefined ? [] : [own.done]), this.#ask.element],
      ...[this.#screenTitle, this.#screen, el('h3', {}, 'History'), this.#history, this.#older],
    );
  }

  show(row: JobRow, log: Log | undefined, problem: string | undefined): void {
    say(this.#name, row.job_id);
    this.#status.dataset['status'] = toneOf(row);
    say(this.#status, `${signOf(row)} ${wordOf(row).replaceAll('_', ' ')}`);
    const facts = [row.agent, placeOf(row), `phase ${row.phase}`, `since ${timeOf(row.created_at)}`];
    say(this.#facts, facts.filter(Boolean).join(' · '));
    say(this.#task, row.prompt_preview);
    const wrong = problem ?? obstacleText(row);
    this.#problem.hidden = wrong === undefined;
    say(this.#problem, wrong ?? '');
    this.#own?.show(row);
    this.#ask.show(row, log?.head?.open_request, this.#canAct && isOpen(row));
    this.#log = log;
    this.#older.hidden = this.#own === undefined || log?.hasOlder !== true;
    if (log?.head === undefined) return;
    this.#showScreen(log.head);
    this.#showHistory(log.entries);
  }

  #showScreen({ screen = '', screen_live: live, screen_missing: missing }: NonNullable<Log['head']>): void {
    say(this.#screenTitle, live === false && missing === undefined ? 'Final screen' : 'Screen');
    const text = missing ?? screen.trimEnd();
    if (this.#screen.textContent === text) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#screen;
    const atEnd = scrollTop + clientHeight >= scrollHeight - 4;
    this.#screen.textContent = text;
    if (atEnd) this.#screen.scrollTop = this.#screen.scrollHeight;
  }

  async #showOlder(): Promise<void> {
    this.#older.disabled = true;
    // A server that is gone is reported by others; the button stays for another try.
    await this.#log?.readOlder().catch(() => {});
    this.#older.disabled = false;
    this.#older.hidden = this.#log?.hasOlder !== true;
    this.#showHistory(this.#log?.entries ?? []);
  }

  /** Newest first; entries that are already shown stay as they are. */
  #showHistory(entries: readonly TimelineEntry[]): void {
    const line = (entry: TimelineEntry) => lineOf(entry, this.#own === undefined ? [] : textsOf(entry));
    const fresh = entries.filter(({ seq }) => seq > this.#newest);
    const older = entries.filter(({ seq }) => seq < this.#oldest && seq <= this.#newest);
    this.#newest = entries.at(-1)?.seq ?? this.#newest;
    this.#oldest = entries[0]?.seq ?? this.#oldest;
    this.#history.prepend(...fresh.map(line).reverse());
    this.#history.append(...older.map(line).reverse());
    while (this.#history.children.length > entries.length) this.#history.lastElementChild?.remove();
  }
}

/** The texts of an entry for which its line has no room: the result, and what a check that did not pass has printed. */
function textsOf({ detail, result, passed, output_tail: output }: TimelineEntry): string[] {
  return [detail === undefined ? undefined : result, passed === true ? undefined : output].filter(
    (text) => text !== undefined && text.trim() !== '',
  ) as string[];
}

async function none(): Promise<void> {}

function lineOf(entry: TimelineEntry, texts: readonly string[]): HTMLLIElement {
  return el(
    'li',
    { class: 'event' },
    el('time', { datetime: entry.recorded_at }, timeOf(entry.recorded_at)),
    el('span', { class: 'type' }, entry.type.replaceAll('_', ' ')),
    el('span', { class: 'by' }, entry.by),
    el('span', { class: 'said' }, entryWords(entry)),
    ...texts.map((text) => el('pre', { class: 'text', tabindex: '0' }, text)),
  );
}
