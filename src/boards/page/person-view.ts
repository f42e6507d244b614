import type { JobRow } from '../../job/row.ts';
import { isOpen } from '../model/rows.ts';
import { button, el } from './dom.ts';
import type { Host } from './host.ts';

/** What only the page of a person can do with a job. */
export interface PersonsActions {
  /** @returns the whole task */
  task(): Promise<string>;
  /** Reports a person's job as done. */
  done(outcome: string): Promise<void>;
}

const OUTCOME_CHARS = 2_000;

/** Reads a job's task, page by page. @throws as `Host.call` */
export async function wholeTask(host: Host, job_id: string): Promise<string> {
  let text = '';
  for (let task_offset: number | undefined = 0; task_offset !== undefined; ) {
    const page: { task?: string; task_next_offset?: number } = await host.call('job_status', {
      job_id,
      task_offset,
    });
    text += page.task ?? '';
    task_offset = page.task_next_offset;
  }
  return text;
}

/** The parts of a job's view that only the page of a person has. One instance per job. */
export class PersonView {
  /** The way back to the list, on a small screen. */
  readonly back: HTMLButtonElement;
  readonly task = el('div', { class: 'whole' });
  readonly done = el('section', { class: 'ask done', 'aria-label': 'Your job' });
  readonly #actions: PersonsActions;
  readonly #text = el('pre', { class: 'request', tabindex: '0', 'aria-label': 'The whole task' });
  readonly #toggle = button('Show the whole task', 'quiet', () => void this.#showTask());
  readonly #outcome = el('textarea', { id: 'outcome', rows: '2', maxlength: String(OUTCOME_CHARS) });
  readonly #report = button('Report as done', 'yes', () => void this.#send());

  constructor(actions: PersonsActions, leave: () => void) {
    this.#actions = actions;
    this.back = button('‹ All jobs', 'quiet back', leave);
    this.#text.hidden = true;
    this.task.append(this.#toggle, this.#text);
    this.#toggle.setAttribute('aria-expanded', 'false');
    const label = el('label', { for: 'outcome' }, 'The outcome, for whoever delegated it');
    this.done.append(
      el('h3', {}, 'This job is yours'),
      el('div', { class: 'form' }, label, el('div', { class: 'entry' }, this.#outcome, this.#report)),
    );
  }

  /** @param bytes the length of the whole task, if it is known */
  show(row: JobRow, bytes = Number.POSITIVE_INFINITY): void {
    // The beginning of a short task is all of it.
    this.task.hidden = new TextEncoder().encode(row.prompt_preview).length >= bytes;
    this.done.hidden = row.agent !== 'human' || !isOpen(row);
  }

  async #showTask(): Promise<void> {
    const opens = this.#text.hidden;
    if (opens) {
      try {
        this.#text.textContent = await this.#actions.task();
      } catch (error) {
        this.#text.textContent = error instanceof Error ? error.message : String(error);
      }
    }
    this.#text.hidden = !opens;
    this.#toggle.setAttribute('aria-expanded', String(opens));
    this.#toggle.textContent = opens ? 'Hide the task' : 'Show the whole task';
  }

  async #send(): Promise<void> {
    this.#report.disabled = true;
    // The error is already shown; the text stays so that it can be sent again.
    await this.#actions.done(this.#outcome.value.trim()).catch(() => {});
    this.#report.disabled = false;
  }
}
