import { awake } from '../../base/awake.ts';
import { MamError } from '../../base/errors.ts';
import { parseJson } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import { unknownHost } from '../../operations/host-address.ts';
import { type HostAllows, stateText } from '../../operations/hosts.ts';
import type { Hosts } from '../../settings/hosts-config.ts';
import { Greetings, protocolProblem } from './greetings.ts';
import { type Hello, type HostStatus, helloSchema, type Kind } from './wire/messages.ts';
import type { MeshMessage, Wire } from './wire/wire.ts';

/** What a hub knows about another one. */
export interface HostState {
  readonly name: string;
  /** The way over which it is reached. */
  wire: Wire | undefined;
  /** The name by which it calls this hub. */
  as: string;
  /** Its own connection to this hub's socket, while this hub has one of its own to it: the same, for its jobs here. */
  guest?: Pick<HostState, 'wire' | 'as'> | undefined;
  online: boolean;
  /** Since when it is online or not, ISO 8601. */
  since: string;
  epoch?: string | undefined;
  version?: string | undefined;
  protocol?: number | undefined;
  /** What it lets this hub ask, by its own word. */
  allows?: HostAllows | undefined;
  /** How far its clock is ahead, in ms. */
  offsetMs?: number | undefined;
  roundTripMs?: number | undefined;
  /** When it was heard last, on the clock of this process. */
  heardAt?: number | undefined;
  /** Why it can't be asked although it is there, as a sentence. */
  problem?: string | undefined;
}

interface Host extends HostState {
  /** Whether `onOffline` has been called since it was online. */
  isTold: boolean;
  cancelGrace?: (() => void) | undefined;
  /** Its hub is a new one since the last `onOnline`. */
  isNew: boolean;
}

/** The ways to other hubs. */
export interface Ways {
  /** How a host is reached, by the settings: undefined if there is no way. */
  wireTo(name: string): Wire | undefined;
  /** Opens the way to a host, if it is opened only when needed. @returns the way */
  open(name: string): Wire | undefined;
  /** Whose presence to follow on the broker. */
  watch(names: ReadonlySet<string>): void;
}

export interface DirectoryOptions {
  host: string;
  graceSeconds: number;
  hosts: () => Hosts;
  ways: Ways;
  /** A hello for a host over such a way, without what the greeting itself needs. */
  hello: (to: string, over: Wire['kind']) => Omit<Hello, 'reply'>;
  log: Log;
}

/** A host of which news is awaited counts as gone after this long (ms) without a word: a digest comes each minute. */
const SILENCE_MS = 150_000;
/** How long to wait for a host's first hello (ms): to set up ssh takes some seconds, on a busy machine more. */
const REACH_MS = 20_000;

/** Which other hubs there are, whether they are there, and how to reach them. */
export class Directory {
  readonly #with: DirectoryOptions;
  readonly #hosts = new Map<string, Host>();
  /** Homes of open replicas, whether `hosts` names them or not. */
  readonly #watched = new Set<string>();
  readonly #greetings: Greetings;
  readonly #waiting = new Set<() => void>();
  #named: Hosts = {};

  /** Called after each hello that came back, so that what was lost meanwhile is asked for. */
  onOnline: (host: HostState, isNewEpoch: boolean) => void = () => {};
  /** Called when a host whose jobs are told over its own connection has come. */
  onGuest: (name: string) => void = () => {};
  /** Called once a host has been away for longer than the grace. */
  onOffline: (host: HostState) => void = () => {};
  /** Whether news of this host is awaited, such as the home of an open replica. */
  isAwaited: (name: string) => boolean = () => false;

  constructor(options: DirectoryOptions) {
    this.#with = options;
    this.#greetings = new Greetings({
      peers: () => this.#hosts.size,
      say: (name, greeting) => this.#sayHello(name, greeting),
    });
  }

  get(name: string): HostState | undefined {
    return this.#hosts.get(name);
  }

  /** Those that `hosts` names, in its order, then the homes of open replicas, and whoever came over ssh. */
  all(): HostState[] {
    const named = Object.keys(this.#named).flatMap((name) => this.#hosts.get(name) ?? []);
    return [...named, ...[...this.#hosts.values()].filter(({ name }) => !this.isNamed(name))];
  }

  /** The hosts of the settings, as they were given last. */
  get named(): Hosts {
    return this.#named;
  }

  /** True once it was told that this host has been away for longer than the grace. */
  isAway(name: string): boolean {
    return this.#hosts.get(name)?.isTold === true;
  }

  isNamed(name: string): boolean {
    return Object.hasOwn(this.#named, name);
  }

  /** True for a host whose messages over the broker are taken. */
  isKnown(name: string): boolean {
    return this.isNamed(name) || this.#watched.has(name);
  }

  /** The settings have changed, or the hub starts. */
  configure(hosts: Hosts): void {
    this.#named = hosts;
    for (const name of Object.keys(hosts)) this.#ensure(name);
    for (const [name, host] of this.#hosts)
      if (!this.isKnown(name) && host.wire?.kind !== 'socket') this.#forget(host);
    this.#follow();
  }

  /** Follows the home of an open replica, also one that `hosts` does not name. */
  watch(name: string): void {
    if (this.#watched.has(name)) return;
    this.#watched.add(name);
    this.#ensure(name);
    this.#with.ways.open(name);
    this.#follow();
    this.#greetings.plan(name);
  }

  /** True while a replica is open. */
  get isWatching(): boolean {
    return this.#watched.size > 0;
  }

  /** No replica of this home is open any more. */
  unwatch(name: string): void {
    if (this.#watched.delete(name)) this.configure(this.#named);
  }

  /** Sends one message to a host. @returns false if there is no way to it now */
  send(name: string, kind: Kind, body: unknown, jobId?: string): boolean {
    const host = this.#hosts.get(name);
    const wire = host && this.#wireOf(host);
    return wire?.send(name, kind, body, { as: host?.as ?? '', jobId }) ?? false;
  }

  /** The same about a job that the host has given to this one: it is expected where the host has asked. */
  sendToGuest(name: string, kind: Kind, body: unknown, jobId?: string): boolean {
    const guest = this.#hosts.get(name)?.guest;
    if (guest === undefined) return this.send(name, kind, body, jobId);
    return guest.wire?.send(name, kind, body, { as: guest.as, jobId }) ?? false;
  }

  /** The way over which a host asks; undefined while it is away. */
  guestWire(name: string): Wire | undefined {
    const host = this.#hosts.get(name);
    return host?.guest?.wire ?? host?.wire;
  }

  /** The time in `ms` milliseconds, as the clock of this host shows it, ISO 8601. */
  inTheirClock(name: string, ms: number): string {
    return new Date(Date.now() + ms + (this.#hosts.get(name)?.offsetMs ?? 0)).toISOString();
  }

  /**
   * A host that can be asked now.
   * @throws MamError `not_found` for a name that `hosts` has not, `unavailable` if it is offline, `conflict` if it speaks
   * another protocol
   */
  require(name: string): HostState {
    const host = this.#hosts.get(name);
    if (host === undefined || !(this.isKnown(name) || host.online))
      throw unknownHost(name, Object.keys(this.#named));
    if (host.online && host.problem !== undefined)
      throw new MamError('conflict', host.problem, 'Then run `mam hub restart` on it.');
    if (host.online) return host;
    const why = this.problemOf(name);
    const state = stateText({ state: 'offline', since: host.since });
    const what = `${name} is ${state}${why === undefined ? '.' : `: ${why}`}`;
    throw new MamError('unavailable', what, `\`mam hosts check ${name}\` tests the way to it.`);
  }

  /**
   * The same, once the way to it is open: ssh is connected only when it is needed, and a hub that has just started has
   * heard of nobody yet.
   * @throws as `require`
   */
  async reach(name: string): Promise<HostState> {
    if (!this.isKnown(name)) this.configure(this.#with.hosts());
    const host = this.#hosts.get(name);
    if (host === undefined) throw unknownHost(name, Object.keys(this.#named));
    const wire = this.#with.ways.open(name);
    const end = performance.now() + REACH_MS;
    const isHopeless = (): boolean =>
      wire === undefined ? true : wire.isUp ? !this.#greetings.isWaiting(name) : wire.problem !== undefined;
    while (!host.online && performance.now() < end && !isHopeless())
      await this.#change(end - performance.now());
    return this.require(name);
  }

  /** Says hello and waits for the answer. @returns whether it came */
  async check(name: string, ms: number): Promise<boolean> {
    const host = this.#hosts.get(name);
    if (host === undefined) throw unknownHost(name, Object.keys(this.#named));
    const wire = this.#with.ways.open(name);
    const end = performance.now() + ms;
    const began = performance.now();
    this.#greetings.plan(name);
    const isBack = (): boolean => this.#greetings.backSince(name, began);
    const isHopeless = (): boolean => !host.online && wire?.isUp !== true && wire?.problem !== undefined;
    while (!isBack() && !isHopeless() && performance.now() < end) await this.#change(end - performance.now());
    return isBack();
  }

  /** Why a host can't be asked, as a sentence; undefined if it can, or if it is just not there. */
  problemOf(name: string): string | undefined {
    const host = this.#hosts.get(name);
    // What it said when it was heard last counts less than why it is not heard now.
    return host === undefined || host.online ? host?.problem : (this.#wireProblem(host) ?? host.problem);
  }

  /**
   * True for the broker, if this host is reached over ssh: what comes there in its name may be asked, but proves nothing
   * about the host itself.
   */
  isBeside(name: string, wire: Wire): boolean {
    return wire.kind === 'broker' && this.#with.ways.wireTo(name)?.kind === 'ssh';
  }

  /** Something came from this host. */
  heard({ from, wire }: Pick<MeshMessage, 'from' | 'wire'>): void {
    const host = this.#hosts.get(from);
    if (host === undefined || this.isBeside(from, wire)) return;
    host.heardAt = awake.now();
    // It lives, but whatever was sent meanwhile is lost.
    if (!host.online) this.#greetings.plan(from);
  }

  /** A hello of another hub. */
  takeHello({ wire, from, to, payload }: MeshMessage): void {
    const raw = parseJson(payload.toString());
    const { data: hello } = helloSchema.safeParse(raw);
    const host = this.#ensure(from);
    if (this.isBeside(from, wire)) {
      if (hello?.reply === true) this.#answer(host, wire, to, hello);
      return;
    }
    const problem = protocolProblem(from, hello ?? raw);
    if (hello === undefined) {
      if (problem !== undefined) host.problem = problem;
      return;
    }
    // Each has a connection of its own to the other: what it allows over that one is not what it allows over ours.
    if (wire.kind === 'socket' && this.#with.ways.wireTo(from)?.kind === 'ssh') {
      host.guest = { wire, as: to };
      if (hello.reply) this.#say(host, wire, to, { reply: false, echo: hello.now });
      this.onGuest(from);
      return;
    }
    const trip = this.#greetings.back(from, hello);
    if (hello.reply) this.#answer(host, wire, to, hello);
    // A hub that has ended, unless it has just answered: then its clock was set back.
    if (trip === undefined && host.epoch !== undefined && hello.epoch < host.epoch) return;
    if (host.epoch !== hello.epoch) host.isNew = true;
    Object.assign(host, { epoch: hello.epoch, version: hello.version, protocol: hello.protocol, problem });
    host.allows = hello.may;
    if (this.#with.ways.wireTo(from)?.kind !== 'ssh' || wire.kind === 'ssh')
      Object.assign(host, { wire, as: to });
    if (trip !== undefined) Object.assign(host, trip);
    this.#setOnline(host);
    if (trip === undefined) return;
    const { isNew } = host;
    host.isNew = false;
    this.onOnline(host, isNew);
  }

  /** The presence of a host on the broker. */
  status(wire: Wire, name: string, status: HostStatus): void {
    const host = this.#hosts.get(name);
    if (host === undefined || this.isBeside(name, wire)) return;
    if (host.epoch !== undefined && status.epoch < host.epoch) return;
    if (!status.online) {
      this.#greetings.drop(name);
      if (host.wire === undefined || host.wire === wire) this.#setOffline(host);
    } else if (!host.online || host.epoch !== status.epoch) {
      // From now on, whatever an earlier hub of this name has left behind does not count.
      if (host.epoch !== status.epoch) host.isNew = true;
      Object.assign(host, { epoch: status.epoch, version: status.version, protocol: status.protocol });
      this.#greetings.expect(name);
    }
    this.#changed();
  }

  /** A way is open: everything that was sent meanwhile is lost. */
  wireUp(wire: Wire): void {
    for (const { name } of this.#hosts.values())
      if (this.#with.ways.wireTo(name) === wire) {
        if (wire.kind === 'ssh') this.#greetings.expect(name);
        else this.#greetings.plan(name);
      }
    this.#changed();
  }

  wireDown(wire: Wire): void {
    for (const host of this.#hosts.values())
      if (host.wire === wire || this.#with.ways.wireTo(host.name) === wire) {
        this.#greetings.drop(host.name);
        if (host.wire === undefined || host.wire === wire) this.#setOffline(host);
      }
    this.#changed();
  }

  /** A host that came over ssh has left. */
  gone(wire: Wire, name: string): void {
    const host = this.#hosts.get(name);
    if (host?.guest?.wire === wire) host.guest = undefined;
    if (host === undefined || host.wire !== wire) return;
    host.wire = undefined;
    this.#setOffline(host);
    if (this.isKnown(name)) this.#greetings.plan(name);
  }

  /** Runs every second. */
  tick(): void {
    this.#greetings.tick();
    for (const host of this.#hosts.values()) {
      const { heardAt = 0, online, name } = host;
      if (!online || awake.now() - heardAt < SILENCE_MS || !this.isAwaited(name)) continue;
      this.#with.log.warn(`${name} has been silent for ${SILENCE_MS / 1000} s`);
      this.#setOffline(host, true);
      this.#greetings.plan(name);
    }
  }

  stop(): void {
    for (const { cancelGrace } of this.#hosts.values()) cancelGrace?.();
    this.#changed();
  }

  #ensure(name: string): Host {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const since = new Date().toISOString();
    const state = { wire: undefined, as: this.#with.host, online: false, since };
    const host: Host = { name, ...state, isTold: false, isNew: false };
    this.#hosts.set(name, host);
    this.#startGrace(host);
    if (this.#with.ways.wireTo(name)?.isUp === true) this.#greetings.plan(name);
    return host;
  }

  #forget(host: Host): void {
    host.cancelGrace?.();
    this.#hosts.delete(host.name);
    this.#greetings.forget(host.name);
  }

  #follow(): void {
    this.#with.ways.watch(new Set([...Object.keys(this.#named), ...this.#watched]));
  }

  #setOnline(host: Host): void {
    host.heardAt = awake.now();
    host.cancelGrace?.();
    host.isTold = false;
    if (!host.online) host.since = new Date().toISOString();
    host.online = true;
    this.#changed();
  }

  /** @param isOver whether it has been away for longer than the grace already */
  #setOffline(host: Host, isOver = false): void {
    if (host.online) {
      host.online = false;
      host.since = new Date().toISOString();
      if (!isOver) this.#startGrace(host);
    }
    if (isOver) this.#tellOffline(host);
  }

  #startGrace(host: Host): void {
    host.cancelGrace?.();
    host.cancelGrace = awake.after(this.#with.graceSeconds * 1000, () => this.#tellOffline(host));
  }

  #tellOffline(host: Host): void {
    if (host.online || host.isTold) return;
    host.isTold = true;
    if (!this.isKnown(host.name)) this.#forget(host);
    this.onOffline(host);
  }

  /** The last way over which it said hello, while that is open; else the one of the settings. */
  #wireOf(host: HostState): Wire | undefined {
    return host.wire?.isUp === true ? host.wire : this.#with.ways.wireTo(host.name);
  }

  #sayHello(name: string, greeting: Pick<Hello, 'reply' | 'echo'>): string | undefined {
    const host = this.#hosts.get(name);
    const wire = host && this.#wireOf(host);
    return host && wire && this.#say(host, wire, host.as, greeting);
  }

  /** Over the way it came. The answer asks for one back, if this is not an answer itself. */
  #answer(host: HostState, wire: Wire, as: string, { now: echo, echo: answered }: Hello): void {
    const reply = answered === undefined;
    const now = this.#say(host, wire, as, { reply, echo });
    if (now !== undefined && reply) this.#greetings.said(host.name, now);
  }

  /** @returns the `now` of the hello that was sent */
  #say(
    { name }: HostState,
    wire: Wire,
    as: string,
    greeting: Pick<Hello, 'reply' | 'echo'>,
  ): string | undefined {
    const body = { ...this.#with.hello(name, wire.kind), ...greeting };
    return wire.send(name, 'hello', body, { as }) ? body.now : undefined;
  }

  #wireProblem(host: HostState): string | undefined {
    const wire = this.#with.ways.wireTo(host.name);
    if (wire === undefined)
      return 'It has no ssh in hosts, and no broker is set (MAM_BROKER_URL), so it cannot be reached.';
    return wire.problem;
  }

  #changed(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** Settles when something has changed, or after `ms`. */
  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms).unref();
      this.#waiting.add(done);
    });
  }
}
