import { explain, MamError } from '../../base/errors.ts';
import type { Link } from '../../link/link.ts';
import type { ScreenResult } from '../../operations/logs.ts';
import type { LogMessage } from '../../operations/request.ts';
import { commandWords } from '../../view/command-words.ts';
import { isOpen } from '../model/rows.ts';
import { PARTS, type Which } from './jobs.ts';
import { lane } from './lane.ts';
import { wantsMore } from './reduce.ts';
import { type Action, layoutFor, type State, selectedDetail, selectedRow } from './state.ts';

/** The most rows that the hub returns at once. */
const PAGE = 200;
/** How many of a job's newest events are kept. */
const EVENTS = 200;
/** Events are collected for this time, in ms: a burst of thousands changes the board only a few times. */
const REDRAW_DELAY_MS = 50;
/** After the board itself has stood still, a lost connection is the board's own doing for this time, in ms. */
const RECONNECT_TIMEOUT_MS = 5_000;
/** Without events, an open job's screen is fetched again after this time, in ms. */
const SCREEN_MS = 500;
/** The same for a job on another machine: each takes two messages between the hubs. */
const FAR_SCREEN_MS = 2_000;

interface Parts {
  link: Link;
  host: string;
  registryDir: string;
  state: () => State;
  take: (action: Action) => void;
}

/**
 * Keeps the board up to date: receives every event from the hub, and fetches what the board shows but does not have. At
 * most one request at a time for the list, one for the selected job and one for the screen of each job.
 */
export class Feed {
  readonly #with: Parts;
  readonly #ends: (() => void)[] = [];
  readonly #fresh = new Set<Which>();
  readonly #list = this.#lane(() => this.#fetchList());
  readonly #detail = this.#lane(() => this.#fetchDetail());
  /** Jobs whose screens are being read: a slow one holds up no other. */
  readonly #reading = new Set<string>();
  #heard: LogMessage[] = [];
  #gathering: NodeJS.Timeout | undefined;
  /** The selected job has news. */
  #detailStale = false;
  /** The job that could not be read: it is requested again when something happens to it. */
  #unreadable: string | undefined;
  #screenStale = false;
  #screenAt = Number.NEGATIVE_INFINITY;
  #screenTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** The connection is lost, whether or not the board says so. */
  #isAway = false;
  #awakeAt = Number.NEGATIVE_INFINITY;
  #awakeTimer: NodeJS.Timeout | undefined;

  constructor(parts: Parts) {
    this.#with = parts;
  }

  /** Follows the hub, and resumes by itself after the hub was lost. */
  start(): void {
    const { link, host, take, state } = this.#with;
    this.#ends.push(
      link.followAll(host, (message) => this.#hear(message)),
      link.onConnect(() => {
        // Requests made before the first connection are answered after it.
        if (state().hub !== 'looking') this.#reload();
        this.#isAway = false;
        take({ type: 'hub', hub: 'here' });
      }),
      link.onLost(() => {
        this.#isAway = true;
        if (performance.now() >= this.#awakeAt + RECONNECT_TIMEOUT_MS) take({ type: 'hub', hub: 'lost' });
      }),
    );
    this.#reload();
  }

  /**
   * The board has stood still, such as while a terminal showed a pane: the hub may have given up the connection, which
   * is not worth a word if it can be made again.
   */
  awake(): void {
    this.#awakeAt = performance.now();
    clearTimeout(this.#awakeTimer);
    this.#awakeTimer = setTimeout(() => {
      if (this.#isAway && !this.#stopped) this.#with.take({ type: 'hub', hub: 'lost' });
    }, RECONNECT_TIMEOUT_MS);
  }

  stop(): void {
    for (const end of this.#ends.splice(0)) end();
    clearTimeout(this.#gathering);
    clearTimeout(this.#screenTimer);
    clearTimeout(this.#awakeTimer);
    this.#stopped = true;
  }

  /** Called after the board has changed: fetches what it lacks. */
  fetchMissing(): void {
    if (this.#stopped) return;
    const state = this.#with.state();
    const lacksRows = wantsMore(state) !== undefined;
    if (this.#fresh.size > 0 || lacksRows) this.#list();
    // On the way to the end of the list, rows are selected only in passing.
    if (state.selected === undefined || (state.toEnd && lacksRows)) return;
    const unknown = selectedDetail(state) === undefined && state.selected !== this.#unreadable;
    if (this.#detailStale || unknown) this.#detail();
    this.#lookAtScreen(state);
  }

  #reload(): void {
    this.#readAgain();
    this.#detailStale = this.#screenStale = true;
    this.fetchMissing();
  }

  #readAgain(): void {
    for (const name of PARTS) this.#fresh.add(name);
  }

  #hear(message: LogMessage): void {
    this.#heard.push(message);
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      const messages = this.#heard;
      this.#heard = [];
      const { selected } = this.#with.state();
      if (messages.some(({ event }) => event.job_id === selected))
        this.#detailStale = this.#screenStale = true;
      this.#with.take({ type: 'heard', messages });
      this.fetchMissing();
    }, REDRAW_DELAY_MS);
  }

  #lane(work: () => Promise<void>): () => void {
    let text: string | undefined;
    const failed = (error: unknown): void => {
      text = commandWords(explain(error));
      if (!this.#stopped) this.#with.take({ type: 'told', note: { text, bad: true } });
    };
    const done = async (): Promise<void> => {
      await work();
      if (text !== undefined) this.#with.take({ type: 'over', text });
      text = undefined;
    };
    return lane(done, failed, () => this.fetchMissing());
  }

  async #fetchList(): Promise<void> {
    const { link, registryDir, state, take } = this.#with;
    const fresh = PARTS.find((name) => this.#fresh.has(name));
    const which = fresh ?? wantsMore(state());
    if (which === undefined) return;
    const first = fresh !== undefined;
    this.#fresh.delete(which);
    try {
      const cursor = first ? undefined : state().jobs.parts[which].cursor;
      const filter = { registry_dir: registryDir, open_only: which === 'open' };
      const page = await link.request('list', { ...filter, limit: PAGE, cursor });
      take({ type: 'listed', which, first, page });
    } catch (error) {
      this.#fresh.add(which);
      throw error;
    }
  }

  async #fetchDetail(): Promise<void> {
    const { link, registryDir, state, take } = this.#with;
    const { selected: jobId } = state();
    if (jobId === undefined) return;
    this.#detailStale = false;
    this.#unreadable = jobId;
    const known = selectedDetail(state());
    const ask = (after: number) =>
      link
        .request('status', { job_id: jobId, registry_dir: registryDir, events_after: after })
        .catch((error: unknown) => {
          if (!(error instanceof MamError) || error.code !== 'not_found') throw error;
          // Nothing reports that a job was pruned; if one was, others may have been too.
          this.#readAgain();
          throw new MamError('not_found', 'The selected job was removed meanwhile.');
        });
    let found = await ask(known?.record.seq ?? 0);
    // If a journal is longer than one answer, only its end matters.
    if (found.more) found = await ask(Math.max(0, found.record.seq - EVENTS));
    this.#unreadable = undefined;
    const continues = known !== undefined && (found.events[0]?.seq ?? 0) <= known.record.seq + 1;
    const events = continues ? [...known.events, ...found.events] : found.events;
    take({ type: 'looked', detail: { jobId, record: found.record, events: events.slice(-EVENTS) } });
  }

  #lookAtScreen(state: State): void {
    clearTimeout(this.#screenTimer);
    const { selected: jobId } = state;
    if (jobId === undefined || layoutFor(state).screen.height === 0) return;
    const row = selectedRow(state);
    const other = state.screen?.jobId !== jobId;
    const every = row?.host === undefined ? SCREEN_MS : FAR_SCREEN_MS;
    const wait = this.#screenAt + every - performance.now();
    const due = row?.pane !== undefined && (isOpen(row) || (!other && state.screen?.live === true));
    if (this.#reading.has(jobId)) return;
    if (other || this.#screenStale || (due && wait <= 0)) void this.#fetchScreen(jobId);
    else if (due) this.#screenTimer = setTimeout(() => this.fetchMissing(), wait);
  }

  async #fetchScreen(jobId: string): Promise<void> {
    const { link, registryDir, state, take } = this.#with;
    this.#screenStale = false;
    this.#reading.add(jobId);
    const screen = await link
      .request('screen', { job_id: jobId, registry_dir: registryDir })
      .catch((error: unknown): ScreenResult => ({ screen: [], live: false, missing: explain(error) }));
    this.#reading.delete(jobId);
    // Another job was selected meanwhile, or none.
    if (this.#stopped || state().selected !== jobId) return;
    this.#screenAt = performance.now();
    const before = state().screen;
    const same = before?.jobId === jobId && JSON.stringify({ ...screen, jobId }) === JSON.stringify(before);
    if (!same) take({ type: 'screened', jobId, screen });
    this.fetchMissing();
  }
}
