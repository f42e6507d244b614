import type { JobRow } from '../../job/row.ts';
import type { Status } from '../../job/words.ts';
import { awayText } from '../../view/home.ts';
import { signOf, standingWords } from '../../view/marks.ts';
import { obstacleText } from '../../view/summary.ts';
import { usageLine } from '../../view/usage.ts';
import { timeOf } from '../model/entries.ts';
import { holderOf, isOpen, placeOf, toneOf } from '../model/rows.ts';
import { AskView, type JobActions } from './ask-view.ts';
import { button, el, say } from './dom.ts';
import { HistoryView } from './history-view.ts';
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
  readonly #changed = el('p', { class: 'facts' });
  readonly #problem = el('p', { class: 'problem' });
  readonly #screenTitle = el('h3');
  readonly #screen = el('pre', { class: 'screen', tabindex: '0' });
  readonly #history: HistoryView;
  readonly #older = button('Show older entries', 'quiet older', () => void this.#showOlder());
  #log: Log | undefined;

  /** @param actions absent if the client does not pass calls on @param own what only a person's page has */
  constructor(actions: JobActions | undefined, own?: PersonView) {
    this.#own = own;
    this.#history = new HistoryView(own !== undefined);
    this.#canAct = actions !== undefined;
    this.#ask = new AskView(actions ?? { answer: none, decide: none, cancel: none });
    this.#screen.setAttribute('aria-label', "What the peer's terminal shows");
    this.element.append(
      ...(own === undefined ? [] : [own.back]),
      el('header', {}, this.#name, this.#status),
      ...[this.#facts, this.#task, ...(own === undefined ? [] : [own.task])],
      ...[this.#changed, this.#problem, ...(own === undefined ? [] : [own.done]), this.#ask.element],
      ...[this.#screenTitle, this.#screen, el('h3', {}, 'History'), this.#history.element, this.#older],
    );
  }

  show(row: JobRow, log: Log | undefined, problem: string | undefined): void {
    say(this.#name, row.job_id);
    this.#status.dataset['status'] = toneOf(row);
    say(this.#status, `${signOf(row)} ${standingWords(row)}`);
    const used = usageLine(row.usage);
    const facts = [holderOf(row), `since ${timeOf(row.created_at)}`, ...(used === undefined ? [] : [used])];
    say(this.#facts, facts.join(' · '));
    say(this.#task, row.prompt_preview);
    const git = [
      log?.head?.changes && `changed: ${log.head.changes}`,
      log?.head?.work && `work: ${log.head.work}`,
    ];
    const changed = git.filter((line) => line !== undefined && line !== '').join('\n');
    this.#changed.hidden = changed === '';
    say(this.#changed, changed);
    const away = log?.head && awayText({ home: log.head.home, status: row.status as Status });
    const wrong = problem ?? away ?? obstacleText(row);
    this.#problem.hidden = wrong === undefined;
    say(this.#problem, wrong ?? '');
    this.#own?.show(row, log?.head?.prompt_bytes);
    // A person's job has no pane.
    this.#screenTitle.hidden = this.#screen.hidden = placeOf(row) === undefined;
    this.#ask.show(row, log?.head?.open_request, this.#canAct && isOpen(row));
    this.#log = log;
    this.#older.hidden = this.#own === undefined || log?.hasOlder !== true;
    if (log?.head === undefined) return;
    this.#showScreen(log.head);
    this.#history.show(log.entries);
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
    this.#history.show(this.#log?.entries ?? []);
  }
}

async function none(): Promise<void> {}
