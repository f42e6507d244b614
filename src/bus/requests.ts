import { MamError } from '../errors.ts';
import { newEventId } from '../job/id.ts';
import { LIMITS } from '../job/limits.ts';
import { type Command, type Commands, PROTOCOL_VERSION, type Reply, type Request } from '../job/request.ts';
import { asMamError } from './reply-error.ts';

interface Pending {
  payload: string;
  resolve: (result: never) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

export interface RequestsOptions {
  /** The client's reply topic. */
  replyTo: string;
  /** The caller's PATH, which the hub may need. */
  path?: string | undefined;
  /** Publishes a request if there is a connection; else it is sent with `resend`. */
  send: (payload: string) => void;
  /** Why no answer came, seen at the end of `timeoutMs`. */
  explain: (command: Command, timeoutMs: number) => MamError;
}

/** The requests of one client that wait for their answers. */
export class Requests {
  readonly #options: RequestsOptions;
  readonly #pending = new Map<string, Pending>();

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /**
   * Sends one command.
   * @throws MamError: the hub's own, why there was no answer within `timeoutMs`, or `bad_input` when it is too long
   */
  async request<C extends Command>(
    command: C,
    params: Commands[C]['params'],
    timeoutMs: number,
  ): Promise<Commands[C]['result']> {
    const { replyTo, path, send, explain } = this.#options;
    const request: Request<C> = {
      request_id: newEventId(),
      protocol: PROTOCOL_VERSION,
      command,
      params,
      reply_to: replyTo,
      path,
    };
    const payload = JSON.stringify(request);
    // The hub would drop it, or close the connection at every attempt anew, and nothing else would get through.
    if (Buffer.byteLength(payload) > LIMITS.payloadBytes) throw tooLong(command);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(request.request_id);
        reject(explain(command, timeoutMs));
      }, timeoutMs);
      this.#pending.set(request.request_id, { payload, resolve, reject, timer });
      send(payload);
    });
  }

  /** Takes an answer; one that nobody waits for is dropped. */
  settle(reply: Reply): void {
    const waiting = this.#take(reply.request_id);
    if (waiting === undefined) return;
    if (reply.error === undefined) waiting.resolve(reply.result as never);
    else waiting.reject(asMamError(reply.error));
  }

  /** Sends everything that waits, with the same ids: the hub answers a repeated request once more. */
  resend(): void {
    for (const { payload } of this.#pending.values()) this.#options.send(payload);
  }

  /** Ends everything that waits. */
  fail(error: Error): void {
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(error);
  }

  #take(id: string): Pending | undefined {
    const waiting = this.#pending.get(id);
    if (waiting !== undefined) {
      this.#pending.delete(id);
      clearTimeout(waiting.timer);
    }
    return waiting;
  }
}

function tooLong(command: Command): MamError {
  return new MamError(
    'bad_input',
    `The request "${command}" is longer than ${LIMITS.payloadBytes} bytes, more than the hub takes.`,
    'Shorten the texts in it: an id or a name is far shorter, and a long text can stand in a file.',
  );
}
