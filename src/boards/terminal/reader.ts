import { explain } from '../../base/errors.ts';
import type { RecordedEvent } from '../../job/event.ts';
import type { Link } from '../../link/link.ts';
import type { AgentPlace } from '../../operations/agents.ts';
import { commandWords } from '../../view/command-words.ts';
import { changesOf } from './changes.ts';
import { lane } from './lane.ts';
import { lacking } from './pager.ts';
import { type Action, type State, selectedDetail } from './state.ts';
import type { TextName, Texts } from './texts.ts';

/** How many of a job's newest events its log shows. */
const LOG_EVENTS = 2_000;

interface Parts {
  link: Link;
  registryDir: string;
  /** Where agents are looked for. */
  place: AgentPlace;
  state: () => State;
  take: (action: Action) => void;
}

/** Fetches the texts that someone has opened, one after the other. */
export class Reader {
  readonly #with: Parts;
  readonly #read: () => void;
  #stopped = false;

  constructor(parts: Parts) {
    this.#with = parts;
    // A failure is shown in the text's place, so the lane itself never fails.
    this.#read = lane(
      () => this.#fetch(),
      () => {},
      () => this.fetchMissing(),
    );
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Called after the board has changed. */
  fetchMissing(): void {
    if (!this.#stopped && lacking(this.#with.state()) !== undefined) this.#read();
  }

  async #fetch(): Promise<void> {
    const { state, take } = this.#with;
    const what = lacking(state());
    if (what === undefined) return;
    const jobId = jobOf(state());
    const action = await this.#textOf(what, jobId).then(
      (texts): Action => ({ type: 'read', texts }),
      (error: unknown): Action => ({ type: 'unread', what, text: commandWords(explain(error)) }),
    );
    // A failure is not about what was opened meanwhile.
    const isOld = action.type === 'unread' && (lacking(state()) !== what || jobOf(state()) !== jobId);
    if (!this.#stopped && !isOld) take(action);
  }

  async #textOf(what: TextName, jobId: string): Promise<Partial<Texts>> {
    const { link, place, registryDir: registry_dir } = this.#with;
    switch (what) {
      case 'prompt':
        return { prompt: { jobId, text: await this.#prompt(jobId) } };
      case 'log':
        return { log: await this.#log(jobId) };
      case 'changes':
        return { changes: { jobId, lines: await changesOf(link, { job_id: jobId, registry_dir }) } };
      case 'agents':
        return { agents: (await link.request('agents', place)).agents };
    }
  }

  async #prompt(jobId: string): Promise<string> {
    const { link, registryDir } = this.#with;
    let text = '';
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const page: { task?: string | undefined; task_next_offset?: number | undefined } = await link.request(
        'status',
        { job_id: jobId, registry_dir: registryDir, task_offset: offset },
      );
      text += page.task ?? '';
      offset = page.task_next_offset;
    }
    return text;
  }

  /** The newest events; of a log that is open already, only those that it lacks. */
  async #log(jobId: string): Promise<Texts['log']> {
    const { link, registryDir, state } = this.#with;
    const { log } = state().texts;
    const known = log?.jobId === jobId ? log : undefined;
    const ask = (after: number) =>
      link.request('log', { job_id: jobId, registry_dir: registryDir, events_after: after });
    const seq = selectedDetail(state())?.record.seq ?? 0;
    let found = await ask(known?.record.seq ?? Math.max(0, seq - LOG_EVENTS));
    const events: RecordedEvent[] = [...(known?.events ?? []), ...found.events];
    while (found.more) {
      found = await ask(found.cursor);
      events.push(...found.events);
    }
    return { jobId, record: found.record, events: events.slice(-LOG_EVENTS) };
  }
}

/** The job whose text is open; empty for a text that is about no job. */
function jobOf({ mode }: State): string {
  return mode.kind === 'pager' ? mode.jobId : '';
}
