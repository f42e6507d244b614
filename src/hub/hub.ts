import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { awake } from '../base/awake.ts';
import { makeFolder } from '../base/folders.ts';
import type { Log } from '../base/log.ts';
import { machineId } from '../base/machine.ts';
import { VERSION } from '../base/version.ts';
import { type OwnBroker, startBroker } from '../bus/broker/broker.ts';
import type { HubBus } from '../bus/hub-bus.ts';
import { watchOutbox } from '../bus/spool/outbox.ts';
import { sweepSpool } from '../bus/spool/spool.ts';
import { isReplyTopic, statusTopic } from '../bus/topics.ts';
import { isSettled } from '../job/apply.ts';
import type { JobRecord } from '../job/record.ts';
import type { HubStatus } from '../operations/request.ts';
import { sweepAnnouncements } from '../registry/announcements.ts';
import { ensurePrivateFolder, foldersOf, type Home, homePaths, readPointers } from '../registry/home.ts';
import { inodeAt } from '../registry/paths.ts';
import { Seal } from '../registry/seal.ts';
import type { Settings } from '../settings/config.ts';
import { START_MS } from '../settings/hub-place.ts';
import { BrokerJoin } from './broker-join.ts';
import { Delegations } from './delegation/delegate.ts';
import { Dispatcher } from './delivery/dispatcher.ts';
import { Notes } from './delivery/notes.ts';
import { PaneTexts } from './delivery/pane-texts.ts';
import { Typist } from './delivery/typist.ts';
import { HubClaim } from './hub-claim.ts';
import { Changes } from './jobs/changes.ts';
import type { LiveJob, Recorded } from './jobs/live-job.ts';
import { Registrar } from './jobs/registrar.ts';
import { Outlets } from './notify/outlets.ts';
import { RetainedRecords } from './notify/retained-records.ts';
import { Wakes } from './notify/wakes.ts';
import { agentPane } from './panes/agent-pane.ts';
import { ControlClients } from './panes/control-clients.ts';
import { PaneOwners } from './panes/pane-owners.ts';
import { TmuxServers } from './panes/tmux-servers.ts';
import { Decisions } from './permissions/decisions.ts';
import { Permissions } from './permissions/permissions.ts';
import { Claims } from './reports/claims.ts';
import { Elsewhere } from './reports/elsewhere.ts';
import { EventRates } from './reports/event-rates.ts';
import { Inbox } from './reports/inbox.ts';
import { KeptClaims } from './reports/kept-claims.ts';
import { Requests } from './requests.ts';
import { sweepAgentFiles } from './sessions/agent-files.ts';
import { Hooks } from './signals/hooks.ts';
import { PaneWatch } from './signals/pane-watch.ts';
import { Turns } from './signals/turns.ts';
import { Watcher } from './signals/watcher.ts';
import { RunningChecks } from './verdicts/running-checks.ts';
import { Validator } from './verdicts/validator.ts';
import { Verifications } from './verdicts/verifications.ts';

/** How often the hub looks whether its socket is still its own and whether it is still needed, in ms. */
const TICK_MS = 1_000;
/** Every so many of them, what killed servers have left is removed. */
const SWEEP_TICKS = 60;

interface HubOptions {
  onEnd: (why: string) => void;
  keepsLock: () => Promise<boolean>;
  isLiveLost?: boolean;
}

/** Wires the parts of the hub, and holds its life: start, ticks, end. */
export class Hub {
  private readonly settings: Settings;
  private readonly log: Log;
  private readonly home: Home;
  private readonly claim: HubClaim;
  private readonly onEnd: (why: string) => void;
  private readonly buses: HubBus[] = [];
  private readonly seal: Seal;
  private readonly registrar: Registrar;
  private readonly clients: ControlClients;
  private readonly servers: TmuxServers;
  private readonly dispatcher: Dispatcher;
  private readonly watcher: Watcher;
  private readonly validator: Validator;
  private readonly verifications: Verifications;
  private readonly notes: Notes;
  private readonly texts: PaneTexts;
  private readonly wakes: Wakes;
  private readonly permissions: Permissions;
  private readonly paneWatch: PaneWatch;
  private readonly claims: Claims;
  private readonly kept: KeptClaims;
  private readonly join: BrokerJoin;
  private readonly inbox: Inbox;
  private readonly requests: Requests;
  private readonly outlets: Outlets;
  private readonly retained: RetainedRecords;
  private readonly changes = new Changes();
  private unwatch: (() => void) | undefined;
  private tick: NodeJS.Timeout | undefined;
  private idleSince = awake.now();
  /** Until the jobs of the last hub are taken up. */
  private takingUp: Promise<LiveJob[]> | undefined;
  private readonly isLiveLost: boolean;
  private readonly keepsLock: () => Promise<boolean>;
  private own: OwnBroker | undefined;
  private claiming = false;
  private readonly homeInode: number | undefined;
  private looks = 0;
  private takingBack = false;
  private stopped = false;

  /**
   * @param onEnd called once when the hub has a reason to end; the caller then calls `stop`
   * @param keepsLock makes sure that the lock of the home is this hub's; false where another hub has it
   * @param isLiveLost somebody has removed what tells of the live jobs: they are looked for
   */
  constructor(settings: Settings, log: Log, { onEnd, keepsLock, isLiveLost = false }: HubOptions) {
    this.keepsLock = keepsLock;
    this.isLiveLost = isLiveLost;
    this.settings = settings;
    this.log = log;
    this.onEnd = onEnd;
    const home = homePaths(settings.home);
    this.home = home;
    this.homeInode = inodeAt(home.folder);
    this.claim = new HubClaim(home.hubFile, settings);
    this.clients = new ControlClients(home.clients);
    const servers = new TmuxServers(this.clients, (socket) => {
      this.watcher.onPanes(socket);
      this.dispatcher.onPanes(socket);
      this.paneWatch.onPanes(socket);
    });
    this.servers = servers;
    const { changes } = this;
    const isKeyLost = !existsSync(home.key) && existsSync(home.registries);
    const seal = Seal.of(home);
    this.seal = seal;
    if (isKeyLost) log.error(`${home.key} was missing: a new one is made, and earlier jobs are history`);
    this.registrar = new Registrar({
      home,
      seal,
      log,
      onRecorded: (job, recorded) => this.onRecorded(job, recorded),
      isBusy: (job) => this.outlets.isBusy(job),
      onBehind: (job) => this.outlets.catchUp(job),
      onRemoved: (jobId) => this.outlets.clear(jobId),
    });
    const registrar = this.registrar;
    const owners = new PaneOwners(() => registrar.open);
    const { realm, host, broker } = settings;
    this.retained = new RetainedRecords({
      home,
      buses: this.buses,
      realm,
      host,
      log,
      external: broker !== undefined,
    });
    this.outlets = new Outlets({
      seal,
      onKept: (job) => registrar.settle(job),
      retained: this.retained,
      buses: this.buses,
      servers,
      log,
      realm,
      host,
    });
    this.texts = new PaneTexts(home.panes, log);
    const typist = new Typist({ texts: this.texts, servers, jobOf: (id) => registrar.held(id) });
    this.dispatcher = new Dispatcher({ registrar, servers, typist, log, announcements: home.servers });
    this.watcher = new Watcher({
      registrar,
      servers,
      log,
      catchUp: (jobId) => this.inbox.catchUp(jobId),
      unread: (job) => typist.unread(job),
    });
    this.validator = new Validator({ registrar, checks: new RunningChecks(home.folder), log });
    this.verifications = new Verifications(registrar);
    this.notes = new Notes({ dispatcher: this.dispatcher, registrar, typist, log });
    this.wakes = new Wakes({ dispatcher: this.dispatcher, registrar, servers, typist, log });
    const paneOf = (record: JobRecord) => agentPane(servers, record);
    this.permissions = new Permissions({ registrar, paneOf, log });
    const decisions = new Decisions({ registrar, permissions: this.permissions, paneOf });
    const turns = new Turns({ registrar, notes: this.notes });
    this.paneWatch = new PaneWatch({ registrar, servers, permissions: this.permissions, turns, log });
    const hooks = new Hooks({
      registrar,
      owners,
      permissions: this.permissions,
      decisions,
      turns,
      watch: this.paneWatch,
      changes,
      log,
    });
    // Anybody may write a reply_to: another topic would let him speak in the hub's name, or end its connection.
    const reply = (topic: string, message: unknown, bus = this.buses[0]): void => {
      if (isReplyTopic(settings.realm, topic)) bus?.publish(topic, JSON.stringify(message));
    };
    const rates = new EventRates(settings.hubEventsPerMinute);
    const elsewhere =
      broker === undefined ? undefined : new Elsewhere({ bus: () => this.buses[1], realm, host });
    const ready = () => this.takingUp?.then(() => {});
    this.claims = new Claims({
      registrar,
      owners,
      rates,
      home: home.folder,
      log,
      elsewhere,
      earlier: (jobId) => this.inbox.earlier(jobId),
      ready,
      reply: (topic, answer, from) => reply(topic, answer, this.buses[from === 'outside' ? 1 : 0]),
    });
    this.kept = new KeptClaims({ claims: this.claims, outbox: home.outbox });
    this.inbox = new Inbox({ claims: this.claims, outbox: home.outbox, log });
    this.join = new BrokerJoin({
      settings,
      session: seal.nameFor(`session ${machineId()}`),
      log,
      claims: this.kept,
      elsewhere,
      onClients: () => this.noteNeed(),
      onJoined: (bus) => {
        this.buses.push(bus);
        this.show(bus, true);
        this.sayOnline();
      },
    });
    this.requests = new Requests({
      registrar,
      verifications: this.verifications,
      servers,
      screens: this.outlets.screens,
      dispatcher: this.dispatcher,
      decisions,
      wakes: this.wakes,
      hooks,
      home,
      delegations: new Delegations({
        home,
        host: settings.host,
        registrar,
        dispatcher: this.dispatcher,
        servers,
        owners,
        changes,
        log,
      }),
      log,
      ready,
      status: () => this.status(),
      stop: () => onEnd('asked to stop'),
      reply,
    });
  }

  /** Lets clients in at once; what they ask for waits until the jobs of the last hub are taken up. */
  async start(): Promise<void> {
    const { settings } = this;
    this.clients.reap();
    sweepAgentFiles(this.home.folder);
    sweepAnnouncements(this.home.servers);
    this.validator.endLeft();
    awake.start();
    this.retained.takeUp();
    this.texts.load();
    await this.inbox.look();
    const takingUp = this.takeUp();
    this.takingUp = takingUp;
    const handlers = {
      // It waits for its own job alone: a registry whose lock others hold up must not keep it.
      claim: (jobId: string, payload: Buffer) => this.kept.take(jobId, payload, 'socket'),
      request: (payload: Buffer) => void this.requests.take(payload),
      clients: () => this.noteNeed(),
    };
    const { socketPath, realm, broker } = settings;
    const own = await startBroker({ socketPath, realm, handlers });
    this.own = own;
    this.buses.push(own);
    this.claim.take();
    const all = await takingUp;
    this.show(own, broker === undefined);
    for (const job of all.filter(isOpen)) this.texts.dropUnpasted(job);
    this.dispatcher.resume(all.filter(isOpen));
    this.takingUp = undefined;
    void this.join.start();
    this.sayOnline();
    this.tick = setInterval(() => this.look(), TICK_MS);
    const open = this.registrar.open.length;
    this.log.info(`hub ${VERSION} started (process ${process.pid}, ${open} open jobs)`);
    this.unwatch = watchOutbox(this.home.outbox, () => void this.inbox.drain());
    void this.goOn(all, true);
  }

  /** Goes on with jobs that were taken up, once all is recorded that was reported of them. */
  private async goOn(all: LiveJob[], isStart = false): Promise<void> {
    await this.inbox.drain();
    if (this.stopped) return;
    if (isStart) this.watcher.start();
    const jobs = all.filter(isOpen);
    if (!isStart) for (const job of jobs) this.step(job, () => this.watcher.resume(job));
    for (const job of jobs) this.step(job, () => this.validator.resume(job));
    this.dispatcher.begin();
    for (const job of jobs) {
      this.step(job, () => this.notes.resume(job));
      this.step(job, () => this.paneWatch.resume(job));
    }
    this.wakes.takeUp(all);
  }

  /** Ends everything in an order that loses nothing; what a job still waits for, the next hub goes on with. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.join.stop();
    this.inbox.stop();
    clearInterval(this.tick);
    this.unwatch?.();
    this.dispatcher.stop();
    this.watcher.stop();
    this.paneWatch.stop();
    this.validator.stop();
    this.verifications.stop();
    // What is due is shown while there is somebody to show it to.
    await this.outlets.flush();
    await Promise.allSettled(this.buses.map((bus) => bus.stop()));
    await this.registrar.close(() => this.outlets.flush());
    await this.servers.close();
    sweepAnnouncements(this.home.servers);
    this.claim.release();
  }

  /** Everything that follows from an event, once it is on disk. */
  private onRecorded(job: LiveJob, recorded: Recorded): void {
    const { outlets, watcher, dispatcher, validator, notes, wakes, permissions, paneWatch } = this;
    // A part that fails must not keep the others from it.
    for (const part of [outlets, watcher, dispatcher, validator, notes, wakes, permissions, paneWatch])
      this.step(job, () => part.onRecorded(job, recorded));
    this.changes.tell(job);
    this.noteNeed();
  }

  /** One step of a job that fails must not keep the hub from the others. */
  private step(job: LiveJob, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.log.error(`job ${job.id} did not go on whole`, error);
    }
  }

  /** Takes up jobs whose registry is back. */
  private async takeBack(): Promise<void> {
    if (this.takingBack) return;
    this.takingBack = true;
    try {
      const back = await this.registrar.comeBack();
      if (back.length === 0) return;
      for (const job of back) for (const bus of this.buses) this.retained.show(job, bus);
      this.dispatcher.resume(back.filter(isOpen));
      await this.goOn(back);
    } finally {
      this.takingBack = false;
    }
  }

  private async takeUp(): Promise<LiveJob[]> {
    const pointers = readPointers(this.home);
    const { search } = this.registrar;
    const wasKilled = search.wasKilled();
    const isLost = this.isLiveLost || pointers.some(({ registryDir }) => registryDir === '');
    // Side by side: a registry that can't be opened must not keep the hub from the others.
    const taken = pointers.map(async (pointer) => {
      try {
        return (await this.registrar.resume(pointer)) ?? [];
      } catch (error) {
        this.log.error(`job ${pointer.jobId} was not taken up`, error);
        return [];
      }
    });
    const found = (await Promise.all(taken)).flat();
    // Some of the pointers may have been lost with it: that is found out while others are served.
    if (!isLost && pointers.length > 0) {
      if (wasKilled)
        search.all(false).catch((error) => this.log.error('open jobs were not searched for', error));
      return found;
    }
    if (isLost || wasKilled) await search.all(isLost);
    return [...found, ...(await this.registrar.comeBack())];
  }

  /** Shows a broker that was joined the record of each job that is open, or has just ended. @param last as in `joined` */
  private show(bus: HubBus, last: boolean): void {
    this.retained.joined(bus, last);
    for (const job of this.registrar.open) this.retained.show(job, bus, true);
    for (const { jobId, registryDir } of this.retained.jobs) {
      this.registrar.find(jobId, registryDir).then(
        (job) => this.retained.show(job, bus, true),
        () => this.retained.clear(jobId),
      );
    }
  }

  private sayOnline(): void {
    const { realm, host } = this.settings;
    const text = JSON.stringify({ online: true, version: VERSION, open_jobs: this.registrar.open.length });
    for (const bus of this.buses) bus.publish(statusTopic(realm, host), text, { retain: true });
  }

  private look(): void {
    if (++this.looks % SWEEP_TICKS === 0) {
      sweepAnnouncements(this.home.servers);
      sweepSpool(this.home.folder);
    }
    this.keepHome();
    this.registrar.look();
    this.validator.look();
    void this.takeBack();
    if (this.watcher.owes) void this.inbox.drain().then(() => this.watcher.again());
    if (!this.claim.holds) void this.claimAgain();
    else if (this.isNeeded()) this.idleSince = awake.now();
    else if (awake.now() - this.idleSince >= this.settings.hubIdleSeconds * 1000 && !this.isNew)
      this.onEnd('nobody needs it');
  }

  /** Makes anew what somebody has removed of the home; what it holds is still known here. */
  private keepHome(): void {
    if (inodeAt(this.home.folder) !== this.homeInode) return;
    try {
      for (const folder of foldersOf(this.home)) if (!existsSync(folder)) makeFolder(folder);
      if (this.seal.keep(this.home)) this.log.warn(`${this.home.key} was removed: it is written again`);
    } catch (error) {
      this.log.error(`${this.home.folder} was not mended`, error);
    }
  }

  /** Somebody has removed its socket or its file, or another hub has taken its place. */
  private async claimAgain(): Promise<void> {
    if (this.claiming || this.stopped) return;
    this.claiming = true;
    try {
      // Another home has another key, which would prove nothing of its jobs.
      if (inodeAt(this.home.folder) !== this.homeInode) return this.onEnd(`${this.home.folder} was removed`);
      if (!(await this.keepsLock())) return this.onEnd('another hub has taken its place');
      ensurePrivateFolder(dirname(this.settings.socketPath));
      if (!this.claim.ownsSocket) await this.own?.listenAgain();
      this.claim.take();
      this.log.warn('its socket or hub.json was removed: they are made anew');
    } catch (error) {
      this.log.error('its socket or hub.json was removed, and cannot be made anew now', error);
    } finally {
      this.claiming = false;
    }
  }

  /** Whoever has started it may be slow to connect, and is waited for as long as it waits itself. */
  private get isNew(): boolean {
    return process.uptime() * 1000 < START_MS;
  }

  private noteNeed(): void {
    this.idleSince = awake.now();
  }

  private isNeeded(): boolean {
    const clients = this.buses[0]?.clients ?? 0;
    if (clients > 0 || this.registrar.open.length > 0 || this.registrar.isBehind) return true;
    if (this.registrar.isWaiting) return true;
    const checks = this.validator.size + this.verifications.size;
    return this.inbox.isBusy || this.inbox.isWaiting || checks + this.wakes.size > 0;
  }

  private status(): HubStatus {
    const { awayRegistries: away, unprovenJobs: unproven } = this.registrar;
    return {
      ...this.claim.status,
      ...(this.join.problem !== undefined && { broker_problem: this.join.problem }),
      clients: this.buses.reduce((sum, bus) => sum + bus.clients, 0),
      open_jobs: this.registrar.open.length,
      registries: this.registrar.registryDirs,
      ...(away.length > 0 && { away }),
      ...(unproven.length > 0 && { unproven }),
    };
  }
}

function isOpen({ record }: LiveJob): boolean {
  return !isSettled(record);
}
