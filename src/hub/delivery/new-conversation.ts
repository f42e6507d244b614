import { lookFor, newConversationOf } from '../../agents/index.ts';
import { cleanLine } from '../../base/text.ts';
import { draftEvent } from '../../job/event.ts';
import { NEW_CONVERSATION } from '../../job/words.ts';
import { isCarriedOut, untilCarriedOut } from '../../tmux/carried-out.ts';
import type { Look, Obstacle, Place } from '../../tmux/deliver.ts';
import type { OwnCommand } from '../../tmux/own-command.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { Typist } from './typist.ts';

/** How often the command is typed for one job; after that, someone must begin the conversation by hand. */
const MOST_TRIES = 2;
const EVIDENCE_CHARS = 300;

/** How it ended, if the order can't be typed yet. */
type Kept = { obstacle: Obstacle } | { gone: string };

/** The command, and how it is typed. */
interface Typed {
  look: Look;
  command: OwnCommand;
  stop: AbortSignal;
  looked: () => void;
}

/**
 * Begins a new conversation in an agent right before a job's order, with the agent's own command. The command goes the way
 * of every text of ours: alone in an empty box, noted on disk, one at a time. To type it twice does no harm: the order
 * is never in the conversation that it ends.
 */
export class NewConversations {
  readonly #with: { registrar: Registrar; typist: Typist };
  readonly #tries = new WeakMap<LiveJob, number>();

  constructor(parts: { registrar: Registrar; typist: Typist }) {
    this.#with = parts;
  }

  /**
   * Begins it, unless the job's receipt says that it has begun and the screen still shows nothing else.
   * @param stop aborted when the job has ended or the peer has reported
   * @param looked called before anything is pasted
   * @returns nothing when the order is next @throws as `Typist.type`
   */
  async begin(job: LiveJob, place: Place, stop: AbortSignal, looked: () => void): Promise<Kept | undefined> {
    const { record } = job;
    const command = newConversationOf(record.agent, record.typing);
    if (record.fresh !== true) return undefined;
    if (command === undefined) return hasBegun(job) ? undefined : { obstacle: unknownWay(job) };
    const look: Look = { ...lookFor(record), needle: command.text.trim(), command };
    const tries = this.#tries.get(job) ?? 0;
    const isNew = await isCarriedOut(place, look);
    if (hasBegun(job) && (isNew || command.done === undefined || record.typing?.started === true))
      return undefined;
    // Someone may have done by hand what we could not.
    if (tries > 0 && isNew) return this.#begun(job, 'the screen shows a new conversation');
    if (tries >= MOST_TRIES) return { obstacle: notBegun(job, command, 'it was not begun by hand either') };
    return this.#type(job, place, { look, command, stop, looked });
  }

  async #type(job: LiveJob, place: Place, { look, command, stop, looked }: Typed): Promise<Kept | undefined> {
    const { registrar, typist } = this.#with;
    const { record } = job;
    const what = NEW_CONVERSATION;
    const socket = place.server.socketPath;
    const about = { socket, jobs: [job.id], agent: record.agent, typing: record.typing, what };
    const end = await typist.type({
      target: place.target,
      look,
      announced: { ...about, text: command.text, mark: command.text.trim() },
      steps: {
        pasting: async () => {
          looked();
          this.#tries.set(job, (this.#tries.get(job) ?? 0) + 1);
          const announced = registrar.record(job, draftEvent(job.id, 'pasting', { data: { what } }));
          job.uncork();
          await Promise.all([job.kept, announced]);
        },
        visible: () => {},
        submitted: (evidence) => void registrar.note(job, 'submitted', { data: { what, evidence } }),
        stop,
      },
    });
    if (end.kind === 'blocked') return { obstacle: end.obstacle };
    if (end.kind === 'gone') return { gone: end.why };
    if (end.kind === 'stopped') return undefined;
    if (end.kind === 'unverified') return { obstacle: notBegun(job, command, end.why) };
    const shown = await untilCarriedOut(place, look, stop);
    if (stop.aborted) return undefined;
    if ('why' in shown) return { obstacle: notBegun(job, command, shown.why) };
    return this.#begun(job, `${command.text.trim()} was typed, and ${shown.evidence}`);
  }

  async #begun(job: LiveJob, words: string): Promise<undefined> {
    const evidence = cleanLine(words, EVIDENCE_CHARS);
    await this.#with.registrar.record(job, draftEvent(job.id, NEW_CONVERSATION, { data: { evidence } }));
  }
}

/** True when the job's receipt says that its conversation is new. */
function hasBegun({ record }: LiveJob): boolean {
  return record.delivery.some(({ stage }) => stage === NEW_CONVERSATION);
}

/** The agent was to be started for this job, and another job has started it. */
function unknownWay({ record: { agent } }: LiveJob): Obstacle {
  return { by: 'conversation', evidence: `it is not known how ${agent} begins a new conversation` };
}

function notBegun({ record }: LiveJob, { text }: OwnCommand, why: string): Obstacle {
  const evidence = `${text.trim()} did not begin a new conversation in ${record.agent}: ${why}`;
  return { by: 'conversation', evidence };
}
