import type { JobRow } from '../../job/row.ts';
import { isOpen } from '../model/rows.ts';
import type { JobActions } from './ask-view.ts';
import { DetailView } from './detail-view.ts';
import { button, el, say } from './dom.ts';
import { type Host, Refusal } from './host.ts';
import { type Filter, fetchJobs, filterOf, hasMore, headline, type JobList } from './jobs.ts';
import { ListView } from './list-view.ts';
import { Log } from './log.ts';
import { type PersonsActions, PersonView, wholeTask } from './person-view.ts';

/** The whole page: what it knows about the jobs, and how it shows them. */
export class Board {
  readonly element = el('main');
  /** Called after an action that requires a refresh. */
  onStale = (): void => {};
  /** Called when a person chooses a job, or leaves it. */
  onSelect = (jobId: string | undefined): void => this.select(jobId);
  /** Called when a person wants to see more jobs. */
  onMore = (): void => {
    this.#wanted = (this.#jobs?.jobs.length ?? 0) * 2;
    this.onStale();
  };
  readonly #host: Host;
  readonly #counts = el('p', { class: 'counts', role: 'status' });
  readonly #filterNote = el('p', { class: 'filter' });
  readonly #enlarge = button('Larger', 'quiet', () => void this.#toggleSize());
  readonly #note = el('p', { class: 'note', role: 'status' });
  readonly #alarm = el('p', { class: 'alarm', role: 'alert' });
  readonly #list = new ListView((jobId) => this.onSelect(jobId));
  /** Fetches more jobs; it is at the end of the list. */
  readonly more = button('Show more', 'quiet', () => this.onMore());
  readonly #empty = el('p', { class: 'empty' });
  readonly #place = el('div', { class: 'place' });
  #jobs: JobList | undefined;
  #filter: Filter = {};
  #wanted = 0;
  #detail: DetailView | undefined;
  #log: Log | undefined;
  /** The job's row when its log was read: if the row differs now, there is more to read. */
  #logFor = '';
  #logProblem: string | undefined;

  /** @param head what else is in the page's first line */
  constructor(host: Host, ...head: HTMLElement[]) {
    this.#host = host;
    const left = el('div', { class: 'left' }, this.#list.element, this.#empty, this.more);
    const title = el('h1', {}, 'Jobs');
    const top = el('header', { class: 'top' }, title, this.#counts, this.#enlarge, ...head);
    const columns = el('div', { class: 'columns' }, left, this.#place);
    this.element.append(top, this.#filterNote, this.#alarm, this.#note, columns);
    this.render();
  }

  /** Shows the jobs that match the arguments of the call that opened the page. */
  openedWith(args: Record<string, unknown>): void {
    this.#filter = filterOf(args);
    this.onStale();
  }

  /** Accepts a list, from the call that opened the page or from a refresh. */
  showList(list: JobList): void {
    if (!Array.isArray(list.jobs)) return;
    this.#jobs = list;
    this.render();
  }

  /** Fetches what may have changed. @throws if the server can't be reached */
  async refresh(): Promise<void> {
    this.showList(await fetchJobs(this.#host, this.#filter, this.#wanted));
    await this.readLog();
  }

  /** Shows that the server does not answer; an empty text removes the warning. */
  warn(text: string): void {
    say(this.#alarm, text);
    this.element.classList.toggle('stale', text !== '');
    this.render();
  }

  render(): void {
    const [jobs, log] = [this.#jobs, this.#log];
    const rows = jobs?.jobs ?? [];
    say(this.#counts, jobs === undefined ? 'Looking…' : headline(jobs));
    this.#showFilter();
    this.#alarm.hidden = this.#alarm.textContent === '';
    this.#note.hidden = this.#note.textContent === '';
    this.#empty.hidden = jobs === undefined || rows.length > 0;
    say(this.#empty, 'No jobs. Ask your agent to delegate one.');
    // A person's page fetches page after page.
    const most = this.#host.isPersons ? Number.POSITIVE_INFINITY : undefined;
    this.more.hidden = !this.#host.calls || jobs === undefined || !hasMore(jobs, most);
    const { displayMode, availableDisplayModes: modes = [] } = this.#host.context;
    this.#enlarge.hidden = !modes.includes('fullscreen');
    say(this.#enlarge, displayMode === 'fullscreen' ? 'Smaller' : 'Larger');
    this.#list.show(rows, log?.jobId, Date.now());
    const row = this.#selected;
    if (row !== undefined) this.#detail?.show(row, log, this.#logProblem);
  }

  get #selected(): JobRow | undefined {
    return this.#jobs?.jobs.find(({ job_id }) => job_id === this.#log?.jobId);
  }

  /** Shows a job; undefined for none. */
  select(jobId: string | undefined): void {
    if (this.#log?.jobId === jobId) return;
    this.element.classList.toggle('picked', jobId !== undefined);
    if (jobId === undefined) {
      this.#log = this.#detail = undefined;
      this.#place.replaceChildren();
      this.render();
      this.#list.focus();
      return;
    }
    this.#log = new Log(this.#host, jobId);
    this.#logFor = '';
    this.#logProblem = this.#host.calls ? undefined : 'This client can show only the list.';
    const own = this.#host.isPersons
      ? new PersonView(this.#personsActionsFor(jobId), () => this.onSelect(undefined))
      : undefined;
    this.#detail = new DetailView(this.#host.calls ? this.#actionsFor(jobId) : undefined, own);
    this.#place.replaceChildren(this.#detail.element);
    this.tell('');
    own?.back.focus({ preventScroll: true });
    this.onStale();
  }

  /** Shows a screen that the server sent by itself. */
  showScreen(jobId: string, screen: Parameters<Log['takeScreen']>[0]): void {
    if (this.#log?.jobId !== jobId) return;
    this.#log.takeScreen(screen);
    this.render();
  }

  /** Reads what is new about the selected job. @throws if the server can't be reached */
  async readLog(): Promise<void> {
    const [log, row] = [this.#log, this.#selected];
    if (log === undefined || row === undefined) return;
    const state = JSON.stringify(row);
    // A final job does not change until its row does, except for the turn in which it ended.
    if (!isOpen(row) && state === this.#logFor && log.head?.screen_live !== true) return;
    let problem: string | undefined;
    try {
      await log.read();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      problem = error.message;
    }
    if (log !== this.#log) return;
    this.#logProblem = problem;
    this.#logFor = state;
    this.render();
  }

  #actionsFor(job_id: string): JobActions {
    const act = (tool: string, args: object): Promise<void> => this.#act(tool, { job_id, ...args });
    const isPersons = this.#host.isPersons;
    return {
      // A person's answer is for the question that was shown; a model's client leaves that to the server.
      answer: (text, request_id) => act('answer_job', { text, ...(isPersons && { request_id }) }),
      decide: (request_id, decision) => act('answer_job', { decision, request_id }).catch(() => {}),
      cancel: () => act('cancel_job', {}).catch(() => {}),
    };
  }

  #personsActionsFor(job_id: string): PersonsActions {
    return {
      task: () => wholeTask(this.#host, job_id),
      done: (detail) => this.#act('publish_event', { job_id, event: 'completed', detail }),
    };
  }

  async #act(tool: string, args: Record<string, unknown>): Promise<void> {
    try {
      const { summary } = await this.#host.call<{ summary: string }>(tool, args);
      this.tell(summary);
    } catch (error) {
      this.tell(error instanceof Error ? error.message : String(error), true);
      throw error;
    } finally {
      this.onStale();
    }
  }

  /** Shows a sentence about the last action. */
  tell(text: string, bad = false): void {
    this.#note.classList.toggle('bad', bad);
    say(this.#note, text);
    this.render();
  }

  #showFilter(): void {
    const { status, agent, mine } = this.#filter;
    const words = [status?.replaceAll('_', ' '), agent, mine && 'of this session'].filter(Boolean).join(', ');
    this.#filterNote.hidden = words === '';
    if (this.#filterNote.dataset['for'] === words) return;
    this.#filterNote.dataset['for'] = words;
    const all = button('Show all', 'quiet', () => this.openedWith({}));
    this.#filterNote.replaceChildren(`Only: ${words} `, all);
  }

  async #toggleSize(): Promise<void> {
    const { displayMode } = this.#host.context;
    await this.#host.show(displayMode === 'fullscreen' ? 'inline' : 'fullscreen').catch(() => {});
  }
}
