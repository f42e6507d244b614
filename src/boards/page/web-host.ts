import { POST } from './event-stream.ts';
import { type Host, Refusal } from './host.ts';

/** How long an answer may take if the caller does not say, in ms: a delegation may have to start an agent. */
const ANSWER_MS = 90_000;
const REFUSED = 409;

/** The server of `mam web`, over HTTP. */
export class WebHost implements Host {
  readonly calls = true;
  readonly context = {};
  readonly isPersons = true;
  /** This tab, among those that share a stream. */
  readonly tab = crypto.randomUUID();

  async call<T>(name: string, args: Record<string, unknown>, ms?: number): Promise<T> {
    return (await this.ask<T>(name, args, ms)).answer;
  }

  /** The same, with the number of events that the answer certainly contains. @throws as `call` */
  async ask<T>(
    name: string,
    args: Record<string, unknown>,
    ms = ANSWER_MS,
  ): Promise<{ answer: T; seen: number }> {
    const response = await fetch(`call/${name}`, {
      ...POST,
      body: JSON.stringify(args),
      signal: AbortSignal.timeout(ms),
    }).catch(() => {
      throw new Error('mam web does not answer: it may have been stopped.');
    });
    const said = await response.json().catch(() => ({}));
    if (response.ok) return said;
    const text = typeof said.error === 'string' ? said.error : `mam web answers ${response.status}.`;
    throw response.status === REFUSED ? new Refusal(text) : new Error(text);
  }

  /** Says which job's screen this page shows; undefined for none. */
  look(stream: string | undefined, job_id: string | undefined): void {
    if (stream === undefined) return;
    const body = JSON.stringify({ stream, tab: this.tab, job_id });
    // The last one is sent while the tab closes.
    fetch('look', { ...POST, body, keepalive: true }).catch(() => {});
  }

  async show(): Promise<void> {}
}
