import { explain, MamError } from '../../../base/errors.ts';
import { within } from '../../../base/within.ts';
import { isSettled } from '../../../job/apply.ts';
import type { RecordedEvent } from '../../../job/event.ts';
import type { ReplicaState } from '../../../job/replica.ts';
import { isFinal } from '../../../job/words.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import { Queue } from '../../jobs/queue.ts';
import type { Registrar } from '../../jobs/registrar.ts';
import type { HomeAsk } from './asks.ts';
import { type CopyParts, CopyState } from './copy-state.ts';
import { type Page, pageOf } from './home-answers.ts';
import { isUnknownThere } from './home-error.ts';
import { HomeTexts } from './home-texts.ts';
import type { HostTurns } from './host-turns.ts';

/** After this time (ms) a home that is there but has not answered is asked again. */
const RETRY_MS = 30_000;
/** An event whose long texts have not come after this time (ms) is recorded without them. */
const TEXTS_MS = 5_000;
/** Puts open jobs before ended ones, and leaves their order by age, in ms. */
const OPEN_RANK = 1e15;

/** What following needs of the rest of the hub. */
export interface FollowParts extends CopyParts {
  registrar: Pick<Registrar, 'follow' | 'setReplica'>;
  ask: HomeAsk;
  turns: HostTurns;
  isOnline(host: string): boolean;
}

/** Keeps the copy of one job like the journal of its home: takes what comes, in order, and asks for what is missing. */
export class Follower {
  readonly job: LiveJob;
  readonly #with: FollowParts;
  readonly #texts: HomeTexts;
  readonly #copy: CopyState;
  /** Events, and changes of the state, one after the other. */
  readonly #queue = new Queue();
  #wantsPages = false;
  #asksForPages = false;
  #lacksTexts = false;
  /** The home was seen with fewer events than there are here: what comes next may be another story. */
  #isDoubtful = false;
  /** The home's journal is another one than this copy. */
  #isOther = false;
  #isStopped = false;
  #work: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(job: LiveJob, parts: FollowParts) {
    this.job = job;
    this.#with = parts;
    this.#texts = new HomeTexts(parts.ask);
    this.#copy = new CopyState(job, parts);
  }

  get host(): string {
    return this.#state.home;
  }

  /** True while something is asked for or written. */
  get isBusy(): boolean {
    return this.#work !== undefined || this.#queue.isBusy;
  }

  /** True when there is nothing more to come, unless the home says otherwise. */
  get isOver(): boolean {
    return this.#copy.isOver;
  }

  /** Takes an event from the home. */
  async take(event: RecordedEvent): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isOther) return;
      if (event.seq <= this.job.length) await this.#compare(event);
      // What is missing, or may be another story, is asked for first: it brings this one as well. A first event is neither.
      else if (
        event.seq > this.job.length + 1 ||
        this.#isDoubtful ||
        (this.#isCatchingUp && this.job.length > 0)
      )
        this.catchUp();
      else {
        // Whoever it wakes can read its long texts.
        await this.#fetchTexts([event]);
        await this.#append([event]);
      }
    });
  }

  /** The home says how far its journal is. */
  async compareWith(seq: number): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#isOther) return;
      const isSame = seq === this.job.length && !this.#isDoubtful && this.#state.state !== 'lost';
      if (!isSame) this.#wantsPages = true;
      else this.#copy.synced();
      if (this.#isUnfinished) this.#start();
    });
  }

  /** Asks the home for what is missing here. */
  catchUp(): void {
    this.#wantsPages = true;
    this.#start();
  }

  /** Asks whether the home has the job once it can't take it any more, if it has not shown it by then. */
  expectAnswer(): void {
    this.#tryIn(Math.max(0, this.#copy.leftToTake));
  }

  /** The home has taken the job. @param page what it showed with that. @returns once its first events are here */
  async settle(page: Page | undefined): Promise<void> {
    if (page !== undefined)
      await this.#inTurn(async () => void (await this.#takePage(page, this.job.length)));
    if (this.job.length < (page?.seq ?? 1)) this.catchUp();
    await this.#work;
  }

  /** The home is away. @param since ISO time */
  async away(since: string): Promise<void> {
    await this.#inTurn(() => this.#copy.away(since));
  }

  /** The home is there again. */
  async back(): Promise<void> {
    await this.#inTurn(() => this.#copy.back());
  }

  /** Nothing more is expected from there. @param why a sentence for the log and the job's damage */
  async giveUp(why: string): Promise<void> {
    await this.#inTurn(() => this.#lose(why));
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#later);
  }

  get #state(): ReplicaState {
    return this.#copy.now;
  }

  get #isCatchingUp(): boolean {
    return this.#wantsPages || this.#asksForPages;
  }

  get #isUnfinished(): boolean {
    return this.#wantsPages || this.#lacksTexts || this.#lacksEnd;
  }

  /** The job has ended, and what belongs to its end is still to be fetched. */
  get #lacksEnd(): boolean {
    return isSettled(this.job.record) && this.#state.state === 'following';
  }

  /** After everything earlier. A failure is logged, and leaves it to the next catching up. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    try {
      await this.#queue.run(async () => {
        if (!this.#isStopped) await work();
      });
    } catch (error) {
      this.#failed(error);
    }
  }

  #start(): void {
    clearTimeout(this.#later);
    if (this.#isStopped || this.#work !== undefined || !this.#with.isOnline(this.host)) return;
    const { record } = this.job;
    const rank = (isFinal(record.status) ? 0 : OPEN_RANK) + Date.parse(record.created_at);
    this.#work = this.#with.turns
      .run(this.host, rank, () => this.#fetch())
      .then(
        () => true,
        (error) => this.#failed(error),
      )
      .then((isDone) => {
        this.#work = undefined;
        // Something may have come up since it was looked for.
        if (isDone && this.#isUnfinished) this.#start();
      });
  }

  #failed(error: unknown): false {
    const { log } = this.#with;
    if (this.#isStopped) return false;
    this.#wantsPages = true;
    log.warn(`the copy of ${this.job.id} from ${this.host} is not complete: ${explain(error)}`);
    this.#tryIn(RETRY_MS);
    return false;
  }

  #tryIn(ms: number): void {
    clearTimeout(this.#later);
    if (this.#isStopped) return;
    this.#later = setTimeout(() => this.catchUp(), ms);
    this.#later.unref();
  }

  async #fetch(): Promise<void> {
    while (this.#wantsPages && !this.#isStopped) {
      this.#wantsPages = false;
      this.#asksForPages = true;
      try {
        await this.#fetchPages();
      } finally {
        this.#asksForPages = false;
      }
    }
    if (this.#isStopped) return;
    if (this.#lacksTexts) {
      this.#lacksTexts = false;
      await this.#texts.fetchLong(this.host, this.job, this.job.eventsAfter(0));
    }
    if (this.#lacksEnd) await this.#finish();
  }

  async #fetchPages(): Promise<void> {
    for (let isOver = false; !isOver && !this.#isStopped; ) {
      const mine = this.job.length;
      let page: Page;
      try {
        // The last event that is here comes again: it shows whether the journal there is still the same.
        const asked = { job_id: this.job.id, after: Math.max(0, mine - 1) };
        page = pageOf(this.host, this.job.id, await this.#with.ask(this.host, 'events', asked));
      } catch (error) {
        if (!isUnknownThere(error)) throw error;
        await this.#queue.run(() => this.#notThere());
        return;
      }
      isOver = await this.#queue.run(() => this.#takePage(page, mine));
    }
  }

  /** @param asked how many events were here when it was asked for. @returns true if it was the last one */
  async #takePage(page: Page, asked: number): Promise<boolean> {
    if (this.#isOther) return true;
    const { length } = this.job;
    const fresh = page.events.filter(({ seq }) => seq > length);
    if (!page.more) await this.#fetchTexts(fresh);
    for (const event of page.events.filter(({ seq }) => seq <= length)) {
      await this.#compare(event);
      if (this.#isOther) return true;
    }
    await this.#append(fresh);
    if (page.seq < asked) {
      await this.#seenBehind(page.seq);
      return true;
    }
    this.#isDoubtful = false;
    if (this.#state.state === 'lost') await this.#copy.set({ state: 'following' });
    if (page.more && this.job.length <= asked)
      throw new MamError('unavailable', `${this.host} sends pages without new events of ${this.job.id}.`);
    if (!page.more) this.#copy.synced();
    return !page.more;
  }

  /** Records events that follow each other: they go to the disk together. @throws at the first that could not be recorded */
  async #append(events: readonly RecordedEvent[]): Promise<void> {
    if (events.length === 0) return;
    // Late truth: there is more to fetch once it is here.
    if (this.#state.state === 'ended') await this.#copy.set({ state: 'following' }, false);
    const written = events.map((event) => this.#with.registrar.follow(this.job, event));
    const failed = (await Promise.allSettled(written)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    await this.#copy.noteSynced();
    if (isSettled(this.job.record)) this.#start();
  }

  /** What does not come soon is fetched later. */
  async #fetchTexts(events: readonly RecordedEvent[]): Promise<void> {
    const long = events.filter(({ texts }) => texts !== undefined);
    if (long.length === 0) return;
    const fetched = this.#texts.fetchLong(this.host, this.job, long).then(
      () => true,
      () => false,
    );
    if ((await within(fetched, TEXTS_MS)) !== true) this.#lacksTexts = true;
  }

  async #compare(event: RecordedEvent): Promise<void> {
    const [mine] = this.job.eventsAfter(event.seq - 1);
    if (mine === undefined || mine.event_id === event.event_id) return;
    this.#isOther = true;
    await this.#lose(
      `From event ${event.seq} on, the journal of ${this.job.id} on ${this.host} differs from this copy, which stays as it is.`,
    );
  }

  async #seenBehind(seq: number): Promise<void> {
    if (this.#isDoubtful) return;
    this.#isDoubtful = true;
    const what = `${this.host} has lost events of ${this.job.id}: it has ${seq} of the ${this.job.length} that are here.`;
    await this.#copy.noteDamage(what);
  }

  async #notThere(): Promise<void> {
    const { state } = this.#state;
    if (this.#lacksEnd) await this.#copy.set({ state: 'ended' });
    else if (state === 'following')
      await this.#lose(
        `${this.host} no longer has ${this.job.id} as a job of this host: what is here stays as it is.`,
      );
    else if (state === 'asking') {
      const left = this.#copy.leftToTake;
      if (left > 0) this.#tryIn(left);
      else await this.#copy.neverTaken();
    }
  }

  async #lose(why: string): Promise<void> {
    if (this.#state.state === 'lost') return;
    this.#wantsPages = false;
    await this.#copy.lose(why);
  }

  async #finish(): Promise<void> {
    await this.#texts.fetchEnd(this.host, this.job);
    await this.#queue.run(async () => {
      if (this.#lacksEnd && !this.#wantsPages) await this.#copy.end();
    });
  }
}
