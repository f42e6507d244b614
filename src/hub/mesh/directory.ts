import { awake } from '../../base/awake.ts';
import { parseJson } from '../../base/json.ts';
import type { Log } from '../../base/log.ts';
import type { Hosts } from '../../settings/hosts-config.ts';
import { Greetings, protocolProblem } from './greetings.ts';
import { Host, type HostState } from './host.ts';
import { type Hello, type HostStatus, helloSchema, type Kind } from './wire/messages.ts';
import type { MeshMessage, Wire } from './wire/wire.ts';

/** The ways to other hubs. */
interface Ways {
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
  ways: Ways;
  /** A hello for a host over such a way, without what the greeting itself needs. */
  hello: (to: string, over: Wire['kind']) => Omit<Hello, 'reply'>;
  /** Called when something has changed about a host or a way. */
  onChange: () => void;
  log: Log;
}

/** A host of which news is awaited counts as gone after this long (ms) without a word: a digest comes each minute. */
const SILENCE_MS = 150_000;

/** Which other hubs there are, and whether they are there. */
export class Directory {
  readonly #with: DirectoryOptions;
  readonly #hosts = new Map<string, Host>();
  /** Homes of open replicas, whether `hosts` names them or not. */
  readonly #watched = new Set<string>();
  /** Who is to be greeted when. */
  readonly greetings: Greetings;
  #named: Hosts = {};

  /** Called after each hello that came back, so that what was lost meanwhile is asked for. */
  onOnline: (host: HostState) => void = () => {};
  /** Called when a host whose jobs are told over its own connection has come. */
  onGuest: (name: string) => void = () => {};
  /** Called once a host has been away for longer than the grace. */
  onOffline: (host: HostState) => void = () => {};
  /** Whether news of this host is awaited, such as the home of an open replica. */
  isAwaited: (name: string) => boolean = () => false;

  constructor(options: DirectoryOptions) {
    this.#with = options;
    this.greetings = new Greetings({
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
    return this.#hosts.get(name)?.isAway === true;
  }

  /** When the hub that is there now has started, ISO 8601; undefined while there is none. */
  epochOf(name: string): string | undefined {
    const { online, epoch } = this.#hosts.get(name) ?? {};
    return online === true ? epoch : undefined;
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
      if (!this.#arrange(host) && !this.isKnown(name)) this.#forget(host);
    // A way with other settings is a new one, which nobody has opened.
    for (const name of this.#watched) this.#with.ways.open(name);
    this.#follow();
  }

  /** Follows the home of an open replica, also one that `hosts` does not name. */
  watch(name: string): void {
    if (this.#watched.has(name)) return;
    this.#watched.add(name);
    this.#ensure(name);
    this.#with.ways.open(name);
    this.#follow();
    this.greetings.plan(name);
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
   * True for the broker, if this host is reached over ssh: what comes there in its name may be asked, but proves nothing
   * about the host itself.
   */
  isBeside(name: string, wire: Wire): boolean {
    return wire.kind === 'broker' && this.#isOverSsh(name);
  }

  /** Something came from this host. */
  heard({ from, wire }: Pick<MeshMessage, 'from' | 'wire'>): void {
    const host = this.#hosts.get(from);
    if (host === undefined || this.isBeside(from, wire)) return;
    host.heardAt = awake.now();
    // It lives, but whatever was sent meanwhile is lost.
    if (!host.online) this.greetings.plan(from);
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
    if (hello === undefined) host.problem = problem ?? host.problem;
    // Each has a connection of its own to the other: what it allows over that one is not what it allows over ours.
    else if (wire.kind === 'socket' && this.#isOverSsh(from)) {
      host.guest = { wire, as: to };
      if (hello.reply) this.#say(host, wire, to, { reply: false, echo: hello.now });
      this.onGuest(from);
    } else this.#greeted(host, { wire, to }, hello, problem);
  }

  /** The presence of a host on the broker. */
  status(wire: Wire, name: string, status: HostStatus): void {
    const host = this.#hosts.get(name);
    if (host === undefined || this.isBeside(name, wire)) return;
    if (host.epoch !== undefined && status.epoch < host.epoch) return;
    if (!status.online) {
      this.greetings.drop(name);
      if (host.wire === undefined || host.wire === wire) host.leave();
    } else if (!host.online || host.epoch !== status.epoch) {
      // From now on, whatever an earlier hub of this name has left behind does not count.
      host.says(status);
      this.greetings.expect(name);
    }
    this.#with.onChange();
  }

  /** A way is open: everything that was sent meanwhile is lost. */
  wireUp(wire: Wire): void {
    for (const { name } of this.#hosts.values())
      if (this.#with.ways.wireTo(name) === wire) {
        if (wire.kind === 'ssh') this.greetings.expect(name);
        else this.greetings.plan(name);
      }
    this.#with.onChange();
  }

  wireDown(wire: Wire): void {
    for (const host of this.#hosts.values())
      if (host.wire === wire || this.#with.ways.wireTo(host.name) === wire) {
        this.greetings.drop(host.name);
        if (host.wire === undefined || host.wire === wire) host.leave();
      }
    this.#with.onChange();
  }

  /** A host that came over ssh has left. */
  gone(wire: Wire, name: string): void {
    const host = this.#hosts.get(name);
    if (host?.guest?.wire === wire) host.guest = undefined;
    if (host === undefined || host.wire !== wire) return;
    host.wire = undefined;
    host.leave();
    if (this.isKnown(name)) this.greetings.plan(name);
    this.#with.onChange();
  }

  /** Runs every second. */
  tick(): void {
    this.greetings.tick();
    for (const host of this.#hosts.values()) {
      const { heardAt, online, name } = host;
      if (!online || awake.now() - heardAt < SILENCE_MS || !this.isAwaited(name)) continue;
      this.#with.log.warn(`${name} has been silent for ${SILENCE_MS / 1000} s`);
      host.leave(true);
      this.greetings.plan(name);
    }
  }

  stop(): void {
    for (const host of this.#hosts.values()) host.stop();
    this.#with.onChange();
  }

  #ensure(name: string): Host {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const { host: own, graceSeconds } = this.#with;
    const host = new Host(name, own, graceSeconds * 1000, () => this.#away(host));
    this.#hosts.set(name, host);
    if (this.#with.ways.wireTo(name)?.isUp === true) this.greetings.plan(name);
    return host;
  }

  /**
   * A host's own connection to this hub is the way to it only while the settings have no ssh to it.
   * @returns whether it has such a connection
   */
  #arrange(host: Host): boolean {
    const { name, wire, as, guest } = host;
    const isOverSsh = this.#isOverSsh(name);
    if (wire?.kind === 'socket' && isOverSsh) {
      Object.assign(host, { guest: { wire, as }, wire: undefined, as: this.#with.host });
      host.leave();
    } else if (guest !== undefined && !isOverSsh && wire?.isUp !== true) {
      Object.assign(host, { ...guest, guest: undefined });
      host.come();
    }
    return host.guest !== undefined || host.wire?.kind === 'socket';
  }

  #forget(host: Host): void {
    host.stop();
    this.#hosts.delete(host.name);
    this.greetings.forget(host.name);
  }

  #away(host: Host): void {
    if (!this.isKnown(host.name)) this.#forget(host);
    this.onOffline(host);
  }

  #follow(): void {
    this.#with.ways.watch(new Set([...Object.keys(this.#named), ...this.#watched]));
  }

  #isOverSsh(name: string): boolean {
    return this.#with.ways.wireTo(name)?.kind === 'ssh';
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

  /** Its hello has come in its own right. @param problem why it can't be understood, as a sentence */
  #greeted(
    host: Host,
    { wire, to }: Pick<MeshMessage, 'wire' | 'to'>,
    hello: Hello,
    problem: string | undefined,
  ): void {
    const trip = this.greetings.back(host.name, hello);
    if (hello.reply) this.#answer(host, wire, to, hello);
    // A hub that has ended, unless it has just answered: then its clock was set back.
    if (trip === undefined && host.epoch !== undefined && hello.epoch < host.epoch) return;
    host.says(hello);
    Object.assign(host, { problem, allows: hello.may, ...trip });
    if (wire.kind === 'ssh' || !this.#isOverSsh(host.name)) Object.assign(host, { wire, as: to });
    host.come();
    this.#with.onChange();
    if (trip !== undefined) this.onOnline(host);
  }

  /** Over the way it came. The answer asks for one back, if this is not an answer itself. */
  #answer(host: HostState, wire: Wire, as: string, { now: echo, echo: answered }: Hello): void {
    const reply = answered === undefined;
    const now = this.#say(host, wire, as, { reply, echo });
    if (now !== undefined && reply) this.greetings.said(host.name, now);
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
}
