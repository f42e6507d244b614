import { ERROR_CODES, type ErrorCode, MamError } from '../../../base/errors.ts';
import { newEventId } from '../../../base/ids.ts';
import { clean } from '../../../base/text.ts';
import {
  type Ask,
  type AskAnswer,
  type AskCommand,
  EXPIRED,
  MAX_PAYLOAD_BYTES,
  MESH_VERSION,
} from '../wire/messages.ts';
import { HomeError } from './home-error.ts';
import { NoAnswer } from './no-answer.ts';

/** After this time (ms) the other hub does not begin with an ask any more. */
export const EXPIRES_MS = 20_000;
/** How often an ask is sent again until it expires, in ms: a message may be lost on any way. */
const REPEAT_MS = 3_000;
/** The same after that, in ms: the answer may have been lost, and the other hub keeps it for 60 s. */
const LATE_REPEAT_MS = 10_000;
/** How long a late answer is listened for, in ms: for that long the other hub repeats it. */
const LATE_MS = 60_000;
/** The most characters of another hub's error that are passed on. */
const ERROR_CHARS = 4_000;

export type AskResult = Record<string, unknown>;
/** Asks a job's home. @throws MamError as `Asks.ask` */
export type HomeAsk = (host: string, command: AskCommand, params: object) => Promise<AskResult>;
/** How an ask has ended. */
export type Outcome = { result: AskResult } | { error: MamError };

/** What asking needs to know of the other hubs. */
export interface Ways {
  /** Opens the way to a host. @throws MamError `not_found`, `unavailable` or `conflict` for one that can't be asked now */
  reach(host: string): Promise<unknown>;
  /** @returns the time in `ms`, as the clock of `host` will show it */
  inTheirClock(host: string, ms: number): string;
  send(host: string, kind: 'ask' | 'claim', body: object, jobId?: string): boolean;
  /** When the hub that is there now has started; undefined while there is none. */
  epochOf(host: string): string | undefined;
}

export interface AskOptions {
  /** Of the ask: one that comes from a request which may come again has the same id then, and is carried out once. */
  id?: string;
  /** How long its answer is waited for, in ms: longer than `EXPIRES_MS` for what takes its time once begun. */
  answerMs?: number;
  /** Called with an answer that came after `answerMs`. */
  onLate?: ((outcome: Outcome) => void) | undefined;
}

interface Open {
  readonly host: string;
  readonly id: string;
  /** What may have been done, as the end of a sentence that begins with "whether". */
  readonly what: string;
  readonly send: () => void;
  readonly settle: (outcome: Outcome) => void;
  /** By the monotonic clock, in ms. */
  readonly askedAt: number;
  readonly answerMs: number;
  /** The hub that was asked: another one does not know what that one has begun. */
  readonly epoch: string | undefined;
  timer?: NodeJS.Timeout;
}

type Asked = Omit<Open, 'settle' | 'askedAt' | 'epoch'> & Pick<AskOptions, 'onLate'>;

/** What this hub asks of others: each ask is repeated with the same id, so that it is carried out once, and answered. */
export class Asks {
  readonly #ways: Ways;
  /** Two may have one id: the same report may come twice. */
  readonly #open = new Set<Open>();
  /** How many callers wait. */
  #waiting = 0;

  constructor(ways: Ways) {
    this.#ways = ways;
  }

  /** True while somebody waits for an answer. */
  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  /**
   * Asks another hub.
   * @param params without any path or program of this machine
   * @throws HomeError the other hub's own error, prefixed by its name; `NoAnswer` when it is not known whether it was done;
   * as `Ways.reach` when nothing was sent
   */
  async ask(
    host: string,
    command: AskCommand,
    params: object,
    { id = newEventId(), answerMs = EXPIRES_MS, onLate }: AskOptions = {},
  ): Promise<AskResult> {
    await this.#ways.reach(host);
    const expires_at = this.#ways.inTheirClock(host, EXPIRES_MS);
    const body: Ask = { v: MESH_VERSION, id, command, params: { ...params }, expires_at };
    checkSize(host, body);
    const send = (): void => void this.#ways.send(host, 'ask', body);
    return this.#waitFor({ host, id, what: WHAT[command], send, answerMs, onLate });
  }

  /**
   * Passes a report on to the home of its job, which records it once, however often it comes.
   * @param claim is answered by its `event_id`
   * @param ms how long to wait for the answer
   * @throws MamError as `ask`
   */
  async report(host: string, claim: { event_id: string; job_id: string }, ms: number): Promise<AskResult> {
    await this.#ways.reach(host);
    checkSize(host, claim);
    const { event_id: id, job_id } = claim;
    const send = (): void => void this.#ways.send(host, 'claim', claim, job_id);
    return this.#waitFor({ host, id, what: 'the report is recorded', send, answerMs: ms });
  }

  /** Takes another hub's answer; one that nobody waits for is dropped. */
  take(from: string, { id, result, error }: AskAnswer): void {
    for (const open of [...this.#open]) {
      if (open.id !== id || open.host !== from) continue;
      this.#drop(open);
      open.settle(error === undefined ? { result: result ?? {} } : { error: this.#errorOf(open, error) });
    }
  }

  /** Sends what is open again: what was sent before may be lost. */
  onOnline(host: string): void {
    for (const open of this.#open) if (open.host === host) this.#send(open);
  }

  /** Sends nothing any more; who waits gets no answer: the other hub may have done it. */
  stop(): void {
    for (const open of [...this.#open]) {
      this.#drop(open);
      open.settle({ error: noAnswerTo(open) });
    }
  }

  async #waitFor(asked: Asked): Promise<AskResult> {
    this.#waiting++;
    try {
      return await this.#answerTo(asked);
    } finally {
      this.#waiting--;
    }
  }

  #answerTo(asked: Asked): Promise<AskResult> {
    const { host, what, answerMs, onLate } = asked;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const timer = setTimeout(() => {
        isOver = true;
        reject(new NoAnswer(host, answerMs, what));
        if (onLate === undefined) this.#drop(open);
        else setTimeout(() => this.#drop(open), LATE_MS).unref();
      }, answerMs);
      const settle: Open['settle'] = (outcome) => {
        clearTimeout(timer);
        if (isOver) onLate?.(outcome);
        else if ('result' in outcome) resolve(outcome.result);
        else reject(outcome.error);
      };
      const open: Open = { ...asked, settle, askedAt: performance.now(), epoch: this.#ways.epochOf(host) };
      this.#open.add(open);
      this.#send(open);
    });
  }

  #send(open: Open): void {
    clearTimeout(open.timer);
    open.send();
    const isLate = performance.now() - open.askedAt >= EXPIRES_MS;
    open.timer = setTimeout(() => this.#send(open), isLate ? LATE_REPEAT_MS : REPEAT_MS);
    open.timer.unref();
  }

  #drop(open: Open): void {
    clearTimeout(open.timer);
    this.#open.delete(open);
  }

  #errorOf(open: Open, { code, message, hint }: NonNullable<AskAnswer['error']>): MamError {
    const { host, askedAt, epoch } = open;
    // Such a hub may have done it and have forgotten that.
    const mayForget = epoch !== this.#ways.epochOf(host) || performance.now() - askedAt >= LATE_MS;
    if (code === EXPIRED && mayForget) return noAnswerTo(open);
    const known = (ERROR_CODES as readonly string[]).includes(code) ? (code as ErrorCode) : 'unavailable';
    const text = (said: string) => clean(said.slice(0, ERROR_CHARS));
    return new HomeError(host, known, text(message), text(hint));
  }
}

function noAnswerTo({ host, askedAt, what }: Open): NoAnswer {
  return new NoAnswer(host, performance.now() - askedAt, what);
}

/** @throws MamError `bad_input` for what no message can carry */
function checkSize(host: string, body: object): void {
  if (Buffer.byteLength(JSON.stringify(body)) <= MAX_PAYLOAD_BYTES) return;
  const what = `The request to ${host} is longer than ${MAX_PAYLOAD_BYTES / 1024} KiB.`;
  throw new MamError('bad_input', what, 'Shorten its texts, or put them into a file there.');
}

/** What may have been done without an answer, as the end of a sentence that begins with "whether". */
const WHAT: Readonly<Record<AskCommand, string>> = {
  delegate: 'it has taken the job',
  preview: 'it has looked',
  put: 'it has the text',
  events: 'it was read',
  text: 'it was read',
  answer: 'the answer has reached the job',
  cancel: 'the job is cancelled',
  verify: 'the check has run',
  diff: 'it was read',
  merge: 'the work is merged',
  discard: 'the worktree is removed',
  screen: 'the screen was read',
  agents: 'it has looked',
  start: 'the agent was started',
  stop: 'the agent was stopped',
  list: 'it was read',
};
