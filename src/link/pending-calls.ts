import { MamError } from '../base/errors.ts';
import { newEventId } from '../base/ids.ts';
import { LIMITS } from '../job/limits.ts';
import {
  type Command,
  type Commands,
  PROTOCOL_VERSION,
  type Reply,
  type Request,
} from '../operations/request.ts';
import { asMamError } from './reply-error.ts';

/** Commands that change nothing and can be repeated freely. */
const READS: readonly Command[] = ['preview', 'status', 'list', 'screen', 'log', 'agents', 'hub_status'];

interface Pending {
  payload: string;
  resolve: (result: never) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
  /** It was sent: the hub may carry it out even if nobody waits for it. */
  sent: boolean;
}

export interface RequestsOptions {
  replyTo: string;
  /** The caller's PATH, which the hub may need. */
  path?: string | undefined;
  /** Publishes a request if there is a connection; otherwise `resend` does. @returns whether it was sent */
  send: (payload: string) => boolean;
  /** Why no answer came within `timeoutMs`. */
  explain: (command: Command, timeoutMs: number) => MamError;
}

/** The pending requests of one client. */
export class PendingCalls {
  readonly #options: RequestsOptions;
  readonly #pending = new Map<string, Pending>();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Sends one command. @throws MamError: the hub's own, that of `explain`, or `bad_input` if it is too long */
  async request<C extends Command>(
    command: C,
    params: Commands[C]['params'],
    timeoutMs: number,
  ): Promise<Commands[C]['result']> {
    const { replyTo: reply_to, path, send, explain } = this.#options;
    const [request_id, protocol] = [newEventId(), PROTOCOL_VERSION];
    const request: Request<C> = { request_id, protocol, command, params, reply_to, path };
    const payload = JSON.stringify(request);
    // Otherwise the hub would drop it, or close the connection on every attempt, and nothing else would get through.
    if (Buffer.byteLength(payload) > LIMITS.payloadBytes) throw tooLong(command);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(request_id);
        const why = explain(command, timeoutMs);
        reject(pending.sent && !READS.includes(command) ? mayBeDone(why) : why);
      }, timeoutMs);
      const pending = { payload, resolve, reject, timer, sent: false };
      this.#pending.set(request_id, pending);
      pending.sent = send(payload);
    });
  }

  /** Handles an answer; one that nobody waits for is dropped. */
  takeReply(reply: Reply): void {
    const waiting = this.#remove(reply.request_id);
    if (waiting === undefined) return;
    if (reply.error === undefined) waiting.resolve(reply.result as never);
    else waiting.reject(asMamError(reply.error));
  }

  /** Sends all pending requests again with the same ids: the hub answers a repeated request again. */
  resend(): void {
    for (const pending of this.#pending.values())
      if (this.#options.send(pending.payload)) pending.sent = true;
  }

  /** Rejects all pending requests. */
  fail(error: Error): void {
    for (const id of [...this.#pending.keys()]) this.#remove(id)?.reject(error);
  }

  #remove(id: string): Pending | undefined {
    const waiting = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}

/** The error for a command that was sent but not answered: the hub may still carry it out. */
function mayBeDone({ code, message }: MamError): MamError {
  const remedy =
    '`mam doctor` says what is wrong with the hub. Before you try again, check with job_status (`mam status`) whether it was done.';
  return new MamError(code, `${message} The command may have been carried out, or may still be.`, remedy);
}

function tooLong(command: Command): MamError {
  const what = `The request "${command}" is longer than ${LIMITS.payloadBytes} bytes, more than the hub accepts.`;
  const remedy = 'Shorten its texts: an id or a name is far shorter, and a long text can be put into a file.';
  return new MamError('bad_input', what, remedy);
}
