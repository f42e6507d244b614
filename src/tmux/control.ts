import { MamError } from '../base/errors.ts';
import { randomSuffix } from '../base/ids.ts';
import { ControlClient } from './client.ts';
import { showOut } from './guests.ts';
import { IS_HIDDEN_FORMAT } from './marks.ts';
import { quote } from './quote.ts';
import { type PaneSample, parseSamples, SAMPLE_FORMAT } from './sample.ts';

/** Notifications after which a pane or session may be gone (measured: at once for a window's last pane, 1 s for a split). */
const GONE = /^%(unlinked-window-close|window-close|sessions-changed|exit)\b/;
/** One look covers all notifications within this time (ms). */
const LOOK_DELAY_MS = 20;
/** While another client stays in our hidden session, the pause between looks doubles, up to this, in ms. */
const LONGEST_LOOK_DELAY_MS = 1_000;
/** A second client may end the hidden session while ours attaches to it. */
const CONNECT_TRIES = 3;

/**
 * One tmux server, over one control client and no further process. Connects with the first command, and again after the
 * connection ended; leaves when nobody else is left on that server.
 */
export class TmuxServer {
  readonly socketPath: string;
  readonly #subscription = `mam${randomSuffix()}`;
  readonly #panesListeners = new Set<(panes: PaneSample[]) => void>();
  readonly #goneListeners = new Set<(why: string) => void>();
  readonly #onClient: ((pid: number, lives: boolean) => void) | undefined;
  #client: ControlClient | undefined;
  #connecting: Promise<ControlClient> | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #again = LOOK_DELAY_MS;
  /** Set while our client is leaving: a command waits for that, and goes to the next client. */
  #leaving: Promise<void> | undefined;
  #closed = false;

  /**
   * @param socketPath absolute path of the server's socket; nothing happens before the first command
   * @param onClient called with the process id of each client that was started, and again when it has ended
   */
  constructor(socketPath: string, onClient?: (pid: number, lives: boolean) => void) {
    this.socketPath = socketPath;
    this.#onClient = onClient;
  }

  /** True while a control client is attached. */
  get connected(): boolean {
    return this.#client !== undefined && !this.#client.ended;
  }

  /** The server's process id in its own pid namespace, while a client is attached. */
  get pid(): number | undefined {
    return this.#client?.hidden.server;
  }

  /** False if the server's processes are in another pid namespace than ours. */
  get seesProcesses(): boolean {
    return this.#client?.seesProcesses !== false;
  }

  /**
   * Runs one tmux command line. Commands of the same tick go out in one write and are answered in order.
   * @param command one line; foreign text in it must have gone through `quote`
   * @returns its output lines
   * @throws MamError `not_found` when no server runs, `unavailable` when tmux is missing, refuses or ends
   */
  command(command: string): Promise<string[]> {
    if (this.#leaving !== undefined) return this.#leaving.then(() => this.command(command));
    const client = this.#client;
    if (client !== undefined && !client.ended) return client.send(command);
    return this.#connect().then((fresh) => fresh.send(command));
  }

  /**
   * Watches all panes while a client is attached: called about once a second while something changes.
   * @returns ends the watch
   */
  onPanes(listener: (panes: PaneSample[]) => void): () => void {
    this.#panesListeners.add(listener);
    if (this.#panesListeners.size === 1 && this.connected) this.#subscribe();
    return () => this.#panesListeners.delete(listener);
  }

  /**
   * Called at once when a pane, a session or the whole server may be gone; list the panes to know.
   * @returns ends the watch
   */
  onGone(listener: (why: string) => void): () => void {
    this.#goneListeners.add(listener);
    return () => this.#goneListeners.delete(listener);
  }

  /** Leaves the server for good: our hidden session ends, everything else stays. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#gathering);
    await this.#connecting?.catch(() => {});
    await this.#client?.end();
  }

  #connect(): Promise<ControlClient> {
    if (this.#closed) {
      return Promise.reject(new MamError('unavailable', `The connection to ${this.socketPath} is closed.`));
    }
    this.#connecting ??= this.#attach().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #attach(): Promise<ControlClient> {
    for (let tries = 1; ; tries++) {
      try {
        const client = await ControlClient.connect(this.socketPath, (line) => this.#notice(line));
        this.#client = client;
        this.#onClient?.(client.pid, true);
        if (this.#panesListeners.size > 0) this.#subscribe();
        void client.done.then(() => {
          this.#onClient?.(client.pid, false);
          if (this.#client === client) this.#client = undefined;
          this.#tellGone('the control client ended');
        });
        // A session that ended while we were connecting was not reported.
        this.#again = LOOK_DELAY_MS;
        this.#soonLookAround();
        return client;
      } catch (error) {
        if (tries === CONNECT_TRIES || !(error instanceof MamError) || error.code !== 'unavailable')
          throw error;
        if (error.hint !== '') throw error;
      }
    }
  }

  /**
   * The format covers all sessions, but the subscription is on our own hidden pane: one on the session crashes tmux 3.3a
   * when it fires while a control client has lost its session (4 of 4 times; on a pane 0 of 4).
   */
  #subscribe(): void {
    const client = this.#client;
    if (client === undefined) return;
    client
      .send(`refresh-client -B ${quote(`${this.#subscription}:${client.hidden.pane}:${SAMPLE_FORMAT}`)}`)
      .catch(() => {});
  }

  #notice(line: string): void {
    if (line.startsWith(`%subscription-changed ${this.#subscription} `)) {
      const panes = parseSamples(line.slice(line.indexOf(' : ') + 3));
      for (const listener of [...this.#panesListeners]) listener(panes);
    } else if (line.startsWith('%client-session-changed ')) {
      void this.#showOut();
    } else if (GONE.test(line) && this.#client !== undefined) {
      this.#tellGone(line);
      this.#soonLookAround();
    }
  }

  #soonLookAround(): void {
    this.#gathering ??= setTimeout(() => this.#leaveIfAlone(), this.#again).unref();
  }

  #tellGone(why: string): void {
    for (const listener of [...this.#goneListeners]) listener(why);
  }

  async #showOut(): Promise<void> {
    const client = this.#client;
    if (client !== undefined) await showOut((command) => client.send(command), client.hidden).catch(() => {});
  }

  /** Leaves when only our session is left, so that the user's server can end. */
  async #leaveIfAlone(): Promise<void> {
    this.#gathering = undefined;
    const client = this.#client;
    if (client === undefined || client.ended) return;
    await this.#showOut();
    const panes = await client.send(`list-panes -a -F '${IS_HIDDEN_FORMAT}'`).catch(() => ['?']);
    const isAlone = panes.every((hidden) => hidden === '1');
    this.#again = isAlone ? Math.min(2 * this.#again, LONGEST_LOOK_DELAY_MS) : LOOK_DELAY_MS;
    if (!isAlone) return;
    // A pending command gets its answer first.
    if (client.idle) {
      this.#leaving = client.endAsLast().finally(() => {
        this.#leaving = undefined;
      });
      await this.#leaving;
    }
    // A person who was moved out of our session may not have left yet.
    if (!client.ended) this.#soonLookAround();
  }
}
