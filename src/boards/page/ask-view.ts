import type { PeerRequest } from '../../job/record.ts';
import type { JobRow } from '../../job/row.ts';
import { askedTitle, requestText, wayOf } from '../model/request.ts';
import { button, el, say } from './dom.ts';

/** What a person may do about a job. */
export interface JobActions {
  /** @param requestId the question that is shown; undefined if none is */
  answer(text: string, requestId: string | undefined): Promise<void>;
  decide(requestId: string, decision: 'allow' | 'deny'): Promise<void>;
  cancel(): Promise<void>;
}

const ANSWER_CHARS = 2_000;

/** A job's request, and what a person may do about it. One instance per job. */
export class AskView {
  readonly element = el('section', { class: 'ask', 'aria-label': 'What you can do' });
  readonly #actions: JobActions;
  readonly #title = el('h3', { id: 'asked', tabindex: '-1' });
  readonly #text = el('pre', { class: 'request' });
  readonly #attach = el('p', { class: 'attach' });
  readonly #choice = el('div', { class: 'buttons' });
  readonly #sure = el('div', { class: 'sure', role: 'alertdialog', 'aria-labelledby': 'sure' });
  readonly #form = el('div', { class: 'form' });
  readonly #label = el('label', { for: 'answer' });
  readonly #input = el('textarea', { id: 'answer', rows: '2', maxlength: String(ANSWER_CHARS) });
  readonly #cancel = button('Cancel the job…', 'quiet', () =>
    this.#confirm('Cancel this job?', this.#cancelled, 'Yes, cancel it', () => this.#actions.cancel()),
  );
  /** The displayed request: only this one is decided. */
  #shown: string | undefined;
  /** The request that was displayed when the first letter of the answer was typed. */
  #meant: string | undefined;
  #opener: HTMLElement | undefined;
  /** The request that is being confirmed; undefined if it is something else. */
  #confirmed: string | undefined;
  /** What cancelling does. */
  #cancelled = '';

  constructor(actions: JobActions) {
    this.#actions = actions;
    // No <form>: a sandbox without `allow-forms` blocks its submission.
    const send = button('Send', 'yes', () => this.#checkAndSend());
    this.#form.append(this.#label, el('div', { class: 'entry' }, this.#input, send));
    this.#input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#checkAndSend();
    });
    this.#input.addEventListener('beforeinput', () => {
      if (this.#input.value === '') this.#meant = this.#shown;
    });
    this.#sure.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.#close();
    });
    this.#sure.hidden = true;
    this.element.append(
      this.#title,
      this.#text,
      this.#attach,
      this.#choice,
      this.#form,
      this.#sure,
      this.#cancel,
    );
  }

  /** @param open false for a job that is final */
  show({ agent, job_id }: JobRow, asked: PeerRequest | undefined, open: boolean): void {
    this.element.hidden = !open;
    this.#cancelled = agent === 'human' ? 'Whoever delegated it is notified.' : 'Its peer is told to stop.';
    // Of requests, only the displayed one may be confirmed. Cancelling is about none.
    const isOther = this.#confirmed !== undefined && this.#confirmed !== asked?.request_id;
    if (isOther || !open) this.#close();
    this.#shown = asked?.request_id;
    const way = asked && wayOf(asked);
    this.#title.hidden = this.#text.hidden = asked === undefined;
    // A person's own job is reported done, and a dialog that can't be read is answered where it is.
    this.#form.hidden = way === 'decision' || way === 'pane' || (agent === 'human' && asked === undefined);
    this.#attach.hidden = way !== 'pane';
    this.element.classList.toggle('bare', agent === 'human' && asked === undefined);
    say(this.#title, asked === undefined ? '' : askedTitle(asked));
    this.#showCommand(`mam attach ${job_id}`);
    say(this.#text, asked === undefined ? '' : requestText(asked));
    say(this.#label, asked === undefined ? 'Tell the peer something' : 'Your answer');
    this.#showChoice(way === 'decision' ? asked : undefined);
  }

  /** What leads to the pane. */
  #showCommand(command: string): void {
    if (this.#attach.dataset['for'] === command) return;
    this.#attach.dataset['for'] = command;
    this.#attach.replaceChildren(
      'mam cannot answer it from here. Answer it in its pane. In a shell: ',
      el('code', {}, command),
    );
  }

  #showChoice(asked: PeerRequest | undefined): void {
    const key = asked === undefined ? '' : `${asked.request_id} ${asked.decision ?? ''}`;
    if (this.#choice.dataset['for'] === key) return;
    this.#choice.dataset['for'] = key;
    this.#choice.replaceChildren();
    if (asked === undefined) return;
    const { request_id: id, decision } = asked;
    // The hub that gave it may have been killed: then someone must decide again.
    if (decision !== undefined) this.#choice.append(`Given to the agent: ${decision}. No effect seen yet.`);
    const ask = (word: 'Allow' | 'Deny', yes: string, does: string) =>
      button(`${word}…`, word.toLowerCase(), () =>
        this.#confirm(
          `${word} this request?`,
          does,
          yes,
          () => this.#actions.decide(id, word === 'Allow' ? 'allow' : 'deny'),
          id,
        ),
      );
    this.#choice.append(
      ask('Allow', 'Yes, allow it once', 'This applies to this request only.'),
      ask('Deny', 'Yes, deny it', 'The agent continues without it.'),
    );
  }

  /** @param request which request the question is about, if it is about one */
  #confirm(question: string, what: string, yes: string, action: () => Promise<void>, request?: string): void {
    this.#confirmed = request;
    this.#opener = document.activeElement as HTMLElement;
    const back = button('Back', 'quiet', () => this.#close());
    const sure = button(yes, 'yes', () => {
      sure.disabled = true;
      void action().finally(() => this.#close());
    });
    const buttons = el('div', { class: 'buttons' }, sure, back);
    this.#sure.replaceChildren(el('strong', { id: 'sure' }, question), el('p', {}, what), buttons);
    this.#sure.hidden = false;
    back.focus();
  }

  #close(): void {
    if (this.#sure.hidden) return;
    this.#sure.hidden = true;
    this.#sure.replaceChildren();
    if (this.#opener?.isConnected) this.#opener.focus();
    else this.#title.focus();
  }

  /** An answer must not go to a question that came while it was being written. */
  #checkAndSend(): void {
    // With nothing written there is nothing to confirm either.
    if (this.#meant === this.#shown || this.#input.value.trim() === '') void this.#send();
    else
      this.#confirm(
        'Send it as the answer to the new question?',
        'You began to write before this was asked.',
        'Yes, send it',
        () => this.#send(),
        this.#shown,
      );
  }

  async #send(): Promise<void> {
    const text = this.#input.value.trim();
    if (text === '') this.#input.focus();
    if (text === '' || this.#input.disabled) return;
    this.#input.disabled = true;
    try {
      await this.#actions.answer(text, this.#shown);
      this.#input.value = '';
    } catch {
      // The error is already shown; the text stays so that it can be sent again.
    }
    this.#input.disabled = false;
    this.#input.focus();
  }
}
