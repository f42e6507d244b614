import { awake } from '../base/awake.ts';
import { VERSION } from '../base/version.ts';
import { type OwnBroker, startBroker } from '../bus/broker/broker.ts';
import { watchOutbox } from '../bus/spool/outbox.ts';
import { sweepSpool } from '../bus/spool/spool.ts';
import { isSettled } from '../job/apply.ts';
import { sweepAnnouncements } from '../registry/announcements.ts';
import { publicBroker } from '../settings/broker-settings.ts';
import { buildHub } from './build.ts';
import type { HubOptions } from './life.ts';
import { sweepAgentFiles } from './sessions/agent-files.ts';
import { homeJobs } from './take-up.ts';

/** How often the hub checks that its socket is still its own and that it is still needed, in ms. */
const TICK_MS = 1_000;
/** After how many ticks the files of killed servers are removed. */
const SWEEP_TICKS = 60;

/** The life of the hub: start, tick, stop. */
export class Hub {
  readonly #options: HubOptions;
  readonly #with: ReturnType<typeof buildHub>;
  #broker: OwnBroker | undefined;
  #unwatch: (() => void) | undefined;
  #tick: NodeJS.Timeout | undefined;
  #ticks = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#with = buildHub(options);
  }

  /**
   * Lets clients connect at once; their requests wait until the jobs of the last hub are taken up.
   * @param isLiveLost the pointers to the live jobs were removed, so the jobs are searched for
   */
  async start(isLiveLost: boolean): Promise<void> {
    const { home, life, claim, brokers, join, inbox, kept, takeUp, texts, mesh, preparation } = this.#with;
    const { settings, log } = this.#options;
    const { socketPath, realm } = settings;
    this.#with.clients.reap();
    sweepAgentFiles(home.folder);
    sweepAnnouncements(home.servers);
    this.#with.validator.endLeft();
    awake.start();
    this.#with.retained.takeUp();
    texts.load();
    if (!isLiveLost) preparation.sweep();
    await inbox.listKept();
    const found = takeUp.find(isLiveLost);
    life.start(found);
    const handlers = {
      // A claim waits only for its own job: a registry whose lock is contended must not delay it.
      claim: (jobId: string, payload: Buffer) => kept.takeClaim(jobId, payload, 'socket'),
      request: (payload: Buffer) => void this.#with.requests.takeRequest(payload),
      inbox: (...message: Parameters<typeof mesh.takeInbox>) => mesh.takeInbox(...message),
      left: (client: string) => mesh.left(client),
      clients: life.need,
    };
    const own = await startBroker({ socketPath, realm, handlers });
    this.#broker = own;
    this.#with.buses.push(own);
    claim.writeFile();
    const jobs = await found;
    brokers.introduce(own, publicBroker(settings) === undefined);
    for (const job of homeJobs(jobs)) if (!isSettled(job.record)) texts.dropUnpasted(job);
    takeUp.holdPanes(jobs);
    life.serve();
    void join.start();
    mesh.start();
    brokers.sayOnline();
    this.#tick = setInterval(() => this.#onTick(), TICK_MS);
    const open = this.#with.registrar.open.length;
    log.info(`hub ${VERSION} started (process ${process.pid}, ${open} open jobs)`);
    this.#unwatch = watchOutbox(home.outbox, () => void inbox.drain());
    void takeUp.goOn(jobs);
    this.#with.onEvent.takeUp();
  }

  /** Ends everything in an order that loses nothing; the next hub continues what jobs still wait for. */
  async stop(): Promise<void> {
    const { home, life, claim, brokers, outlets, registrar, servers, mesh } = this.#with;
    life.isOver = true;
    this.#with.join.stop();
    clearInterval(this.#tick);
    this.#unwatch?.();
    this.#with.parts.stop();
    // Pending records are published while clients are still connected.
    await outlets.flush();
    await mesh.stop();
    await brokers.stop();
    await registrar.close(() => outlets.flush());
    await servers.close();
    await this.#with.onEvent.flush();
    sweepAnnouncements(home.servers);
    claim.release();
  }

  #onTick(): void {
    const { settings } = this.#options;
    const { home, life, claim, ownHome, registrar, validator, takeUp, watcher, inbox } = this.#with;
    if (++this.#ticks % SWEEP_TICKS === 0) {
      sweepAnnouncements(home.servers);
      sweepSpool(home.folder);
    }
    ownHome.keepHome();
    registrar.onTick();
    this.#with.mesh.tick();
    validator.retryWaiting();
    void takeUp.again();
    if (watcher.hasUnwritten) void inbox.drain().then(() => watcher.again());
    if (!claim.holds) void ownHome.claimAgain(this.#broker);
    else if (this.#isNeeded) life.need();
    else if (!this.#with.mesh.isAwaited && life.isIdleFor(settings.hubIdleSeconds * 1000)) {
      this.#with.retained.clearAll();
      this.#options.onEnd('nobody needs it');
    }
  }

  get #isNeeded(): boolean {
    const { buses, registrar, parts } = this.#with;
    return (buses[0]?.clients ?? 0) > 0 || registrar.hasWork || parts.hasWork;
  }
}
