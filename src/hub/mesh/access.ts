import { MamError } from '../../base/errors.ts';
import { unknownHost } from '../../operations/host-address.ts';
import { stateText } from '../../operations/hosts.ts';
import type { Directory } from './directory.ts';
import type { HostState } from './host.ts';
import type { Wire } from './wire/wire.ts';

/** How long to wait for a host's first hello (ms): to set up ssh takes some seconds, on a busy machine more. */
const REACH_MS = 20_000;

/** Whether a host can be asked now, and if not, why. */
export class Access {
  readonly #with;
  readonly #waiting = new Set<() => void>();

  constructor(parts: {
    directory: Pick<Directory, 'get' | 'isKnown' | 'named' | 'greetings'>;
    /** How a host is reached, by the settings: undefined if there is no way. */
    wireTo: (name: string) => Wire | undefined;
    /** Opens the way to a host, if it is opened only when needed. @returns the way */
    open: (name: string) => Wire | undefined;
    /** Has the hosts of the settings read again. */
    readHosts: () => void;
  }) {
    this.#with = parts;
  }

  /**
   * A host that can be asked now, once the way to it is open: ssh is connected only when it is needed, and a hub that has
   * just started has heard of nobody yet.
   * @throws MamError `not_found` for a name that `hosts` has not, `unavailable` if it is offline, `conflict` if it speaks
   * another protocol
   */
  async reach(name: string): Promise<HostState> {
    const { directory, open, readHosts } = this.#with;
    if (!directory.isKnown(name)) readHosts();
    const host = this.#get(name);
    const wire = open(name);
    const end = performance.now() + REACH_MS;
    /** How long it may still take, in ms. */
    const left = (): number => {
      if (wire === undefined || (!wire.isUp && wire.problem !== undefined)) return 0;
      const ms = end - performance.now();
      return wire.isUp ? Math.min(ms, directory.greetings.waitsFor(name)) : ms;
    };
    for (let ms = left(); !host.online && ms > 0; ms = left()) await this.#change(ms);
    return this.#require(name);
  }

  /** Says hello and waits for the answer, for at most `ms`. @returns whether it came */
  async check(name: string, ms: number): Promise<boolean> {
    const { greetings } = this.#with.directory;
    const host = this.#get(name);
    const wire = this.#with.open(name);
    const began = performance.now();
    greetings.plan(name);
    const isBack = (): boolean => greetings.backSince(name, began);
    const isHopeless = (): boolean => !host.online && wire?.isUp !== true && wire?.problem !== undefined;
    while (!isBack() && !isHopeless() && performance.now() < began + ms)
      await this.#change(began + ms - performance.now());
    return isBack();
  }

  /** Why a host can't be asked, as a sentence; undefined if it can, or if it is just not there. */
  problemOf(name: string): string | undefined {
    const host = this.#with.directory.get(name);
    if (host === undefined) return undefined;
    // What it said when it was heard last counts less than why it is not heard now.
    return host.online ? host.problem : (this.#wireProblem(name) ?? host.problem);
  }

  /** Something has changed about a host or a way: whoever waits looks again. */
  changed(): void {
    for (const done of [...this.#waiting]) done();
  }

  #get(name: string): HostState {
    const { directory } = this.#with;
    const host = directory.get(name);
    if (host === undefined) throw unknownHost(name, Object.keys(directory.named));
    return host;
  }

  #require(name: string): HostState {
    const { directory } = this.#with;
    const host = this.#get(name);
    if (!directory.isKnown(name) && !host.online) throw unknownHost(name, Object.keys(directory.named));
    if (host.online && host.problem !== undefined)
      throw new MamError('conflict', host.problem, 'Then run `mam hub restart` on it.');
    if (host.online) return host;
    const why = this.problemOf(name);
    const state = stateText({ state: 'offline', since: host.since });
    const what = `${name} is ${state}${why === undefined ? '.' : `: ${why}`}`;
    throw new MamError('unavailable', what, `\`mam hosts check ${name}\` tests the way to it.`);
  }

  #wireProblem(name: string): string | undefined {
    const wire = this.#with.wireTo(name);
    if (wire === undefined)
      return 'It has no ssh in hosts, and no broker is set (MAM_BROKER_URL, broker_url), so it cannot be reached.';
    return wire.problem;
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
