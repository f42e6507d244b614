import { awake } from '../../base/awake.ts';
import { sendSignal } from '../../base/processes.ts';
import { endFamily } from '../../checks/check-family.ts';

/** How long (ms) a program has to tidy up once it was asked to end: git removes files that it has just written. */
const TIDY_MS = 10_000;

/** Ends what runs for a job when the job ends, or when a time limit is over. */
export class Leash {
  readonly #mark: string;
  readonly #signal: AbortSignal;
  readonly #forgetLimit: () => void;
  #pid: number | undefined;
  #kill: NodeJS.Timeout | undefined;
  #isOver = false;

  /**
   * @param mark what everything that the program starts has in its environment (`CHECK_VARIABLES.mark`)
   * @param signal aborted when the program is to end
   * @param limitMs after this time it is to end as well
   */
  constructor({ mark, signal, limitMs }: { mark: string; signal: AbortSignal; limitMs: number }) {
    this.#mark = mark;
    this.#signal = signal;
    this.#forgetLimit = awake.after(limitMs, () => {
      this.#isOver = true;
      this.#end();
    });
    signal.addEventListener('abort', this.#end, { once: true });
  }

  /** True once the time limit is over. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Holds the next program, which has a group of its own. */
  hold(pid: number): void {
    this.#pid = pid;
    if (this.#isPulled) this.#end();
  }

  /** To be called when the program has ended: nothing that it started outlives it, if it was made to end. */
  release(): void {
    this.#forgetLimit();
    this.#signal.removeEventListener('abort', this.#end);
    clearTimeout(this.#kill);
    if (this.#isPulled) endFamily(undefined, this.#mark);
  }

  get #isPulled(): boolean {
    return this.#isOver || this.#signal.aborted;
  }

  readonly #end = (): void => {
    const pid = this.#pid;
    if (pid === undefined) return;
    sendSignal(-pid, 'SIGTERM');
    clearTimeout(this.#kill);
    this.#kill = setTimeout(() => endFamily(pid, this.#mark), TIDY_MS);
  };
}
