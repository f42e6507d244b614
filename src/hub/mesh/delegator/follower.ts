import { explain, MamError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { within } from '../../../base/within.ts';
import { isSettled } from '../../../job/apply.ts';
import type { RecordedEvent } from '../../../job/event.ts';
import { isComplete, type ReplicaChange, type ReplicaState } from '../../../job/replica.ts';
import { isFinal } from '../../../job/words.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import { Queue } from '../../jobs/queue.ts';
import type { Registrar } from '../../jobs/registrar.ts';
import type { HomeAsk } from './asks.ts';
import { type Page, pageOf } from './home-answers.ts';
import { isUnknownThere } from './home-error.ts';
import { HomeTexts } from './home-texts.ts';
import type { HostTurns } from './host-turns.ts';

/** After this time (ms) a home that is there but has not answered is asked again. */
const RETRY_MS = 30_000;
/** An event whose long texts have not come after this time (ms) is recorded without them. */
const TEXTS_MS = 5_000;
/** How long (ms) after its time an ask is taken to have expired there: clocks are known by half a round trip. */
const EXPIRY_MARGIN_MS = 5_000;
/** For an ask without a time of its own, in ms. */
const USUAL_EXPIRY_MS = 20_000;
/** Puts open jobs before ended ones, and leaves their order by age, in ms. */
const OPEN_RANK = 1e15;

/** What following needs of the rest of the hub. */
export interface FollowParts {
  registrar: Pick<Registrar, 'follow' | 'setReplica'>;
  ask: HomeAsk;
  turns: HostTurns;
  isOnline(host: string): boolean;
  /** The time there, in ms. */
  theirNow(host: string): number;
  /** Nothing more is expected of a job of this host. */
  onOver(host: string): void;
  log: Log;
}

/** Keeps the copy of one job like the journal of its home: takes what comes, in order, and asks for what is missing. */
export class Follower {
  readonly job: LiveJob;
  readonly #with: FollowParts;
  readonly #texts: HomeTexts;
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
  /** When the copy was last known to be complete, in ms. */
  #syncedAt: number | undefined;

  constructor(job: LiveJob, parts: FollowParts) {
    this.job = job;
    this.#with = parts;
    this.#texts = new HomeTexts(parts.ask);
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
    return isComplete(this.#state);
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
      else this.#syncedAt = Date.now();
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
    this.#tryIn(Math.max(0, this.#leftToTake));
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
    await this.#inTurn(async () => {
      if (this.#state.offline_since !== undefined || this.isOver) return;
      const episode = this.#state.episode + 1;
      await this.#set({ offline_since: since, episode, ...this.#synced });
    });
  }

  /** The home is there again. */
  async back(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#state.offline_since !== undefined) await this.#set({ offline_since: undefined });
    });
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
    const { replica } = this.job;
    if (replica === undefined) throw new MamError('internal', `Job ${this.job.id} is not a copy.`);
    return replica;
  }

  get #isCatchingUp(): boolean {
    return this.#wantsPages || this.#asksForPages;
  }

  get #isUnfinished(): boolean {
    const isEnd = isSettled(this.job.record) && this.#state.state === 'following';
    return this.#wantsPages || this.#lacksTexts || isEnd;
  }

  /** How long the home may still take the job, in ms. */
  get #leftToTake(): number {
    const { asked_at: asked, expires_at: expires } = this.#state;
    const end = expires === undefined ? Date.parse(asked) + USUAL_EXPIRY_MS : Date.parse(expires);
    return end + EXPIRY_MARGIN_MS - this.#with.theirNow(this.host);
  }

  get #synced(): Pick<ReplicaState, 'synced_at'> {
    return this.#syncedAt === undefined ? {} : { synced_at: new Date(this.#syncedAt).toISOString() };
  }

  async #set(change: ReplicaChange, tell = true): Promise<void> {
    await this.#with.registrar.setReplica(this.job, change, { tell });
    if (this.isOver) this.#with.onOver(this.host);
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
    if (isSettled(this.job.record) && this.#state.state === 'following') await this.#finish();
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
    if (this.#state.state === 'lost') await this.#set({ state: 'following' });
    if (page.more && this.job.length <= asked)
      throw new MamError('unavailable', `${this.host} sends pages without new events of ${this.job.id}.`);
    if (!page.more) this.#syncedAt = Date.now();
    return !page.more;
  }

  /** Records events that follow each other: they go to the disk together. @throws at the first that could not be recorded */
  async #append(events: readonly RecordedEvent[]): Promise<void> {
    if (events.length === 0) return;
    // Late truth: there is more to fetch once it is here.
    if (this.#state.state === 'ended') await this.#set({ state: 'following' }, false);
    const written = events.map((event) => this.#with.registrar.follow(this.job, event));
    const failed = (await Promise.allSettled(written)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    this.#syncedAt = Date.now();
    await this.#set(this.#synced, false);
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
    await this.#noteDamage(what);
  }

  async #notThere(): Promise<void> {
    const { state } = this.#state;
    if (state === 'following' && isSettled(this.job.record)) await this.#set({ state: 'ended' });
    else if (state === 'following')
      await this.#lose(
        `${this.host} does not have job ${this.job.id} any more: what is here stays as it is.`,
      );
    else if (state === 'asking') await this.#neverTaken();
  }

  async #neverTaken(): Promise<void> {
    const left = this.#leftToTake;
    if (left > 0) {
      this.#tryIn(left);
      return;
    }
    const detail = `${this.host} never took it`;
    await this.#set({ state: 'ended', never_taken: { at: new Date().toISOString(), detail } });
  }

  async #lose(why: string): Promise<void> {
    if (this.#state.state === 'lost') return;
    this.#wantsPages = false;
    await this.#noteDamage(why, { state: 'lost', ...this.#synced });
  }

  async #noteDamage(what: string, more: ReplicaChange = {}): Promise<void> {
    const { damage = [] } = this.#state;
    this.#with.log.warn(what);
    if (!this.job.damage.includes(what)) this.job.damage.push(what);
    await this.#set({ ...more, damage: [...damage.filter((one) => one !== what), what] });
  }

  async #finish(): Promise<void> {
    await this.#texts.fetchEnd(this.host, this.job);
    await this.#queue.run(async () => {
      const isEnd = isSettled(this.job.record) && this.#state.state === 'following';
      if (isEnd && !this.#wantsPages) await this.#set({ state: 'ended', ...this.#synced });
    });
  }
}
