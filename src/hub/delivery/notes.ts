import { lookFor, takesTask } from '../../agents/index.ts';
import { awake } from '../../base/awake.ts';
import { randomSuffix } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { cleanLine } from '../../base/text.ts';
import { draftEvent } from '../../job/event.ts';
import { LIMITS } from '../../job/limits.ts';
import { openRequests } from '../../job/open-requests.ts';
import { plainCommand } from '../../job/order.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal, NEW_CONVERSATION } from '../../job/words.ts';
import type { Obstacle, Target } from '../../tmux/deliver.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { Dispatcher } from './dispatcher.ts';
import { noPaste } from './obstacles.ts';
import type { Kept } from './pane-queue.ts';
import type { Typist } from './typist.ts';

/** When (ms) to give up a reminder that can't be typed: the supervisor is notified instead. */
const REMIND_MS = 20_000;

/** What is typed for a job after its order. */
interface Note {
  what: 'messages' | 'reminder';
  text: string;
  /** How many of the job's messages it contains in full, and how many it announces. */
  count: number;
  about: number;
}

/**
 * Types notes for an open job's peer into its pane, under the same guards as the order, as soon as the pane is free:
 * messages that it has not fetched with a report, and the one reminder to report.
 */
export class Notes {
  readonly #with;

  constructor(parts: { dispatcher: Dispatcher; registrar: Registrar; typist: Typist; log: Log }) {
    this.#with = parts;
  }

  onRecorded(job: LiveJob, { before, after }: Recorded): void {
    if (after.messages.length > (before?.messages.length ?? 0)) this.#passOn(job);
  }

  /** Continues with what the last hub did not type. */
  resume(job: LiveJob): void {
    const { messages, messages_announced: announced = 0, typing_now: what } = job.record;
    if (what !== undefined && what !== NEW_CONVERSATION) {
      // Nobody knows whether it has arrived, so it is not typed again.
      void this.#with.registrar.note(job, 'delivery_unverified', {
        detail: `The hub was restarted while it was typing (${what}). Look into the pane; messages also come with the answer to the peer's next report.`,
      });
    } else if (messages.length > announced) this.#passOn(job);
  }

  /**
   * Reminds the peer to report.
   * @param words the end of its last turn
   * @param failed called if it could not be typed
   * @param settled called at the end in any case
   */
  remind(job: LiveJob, words: string, failed: (why: string) => void, settled: () => void): void {
    const since = awake.now();
    const run = async (stop: AbortSignal): Promise<Kept> => {
      if (job.record.reminded_at !== undefined || isFinal(job.record.status)) return 'done';
      const obstacle = await this.#type(job, reminder(job), stop, async () => {
        await this.#with.registrar.note(job, 'reminded', { detail: words });
      });
      if (obstacle === undefined) return 'done';
      if (awake.now() - since < REMIND_MS) return obstacle;
      failed(`${obstacle.by}: ${obstacle.evidence}`);
      return 'done';
    };
    this.#with.dispatcher.whenFree(job, { what: 'reminder', run, settled });
  }

  #passOn(job: LiveJob): void {
    const run = async (stop: AbortSignal): Promise<Kept> => {
      const { messages: all, messages_announced: announced = 0 } = job.record;
      if (all.length <= announced) return 'done';
      // There may be a dialog, even if the screen can't be read: our Enter would decide it.
      if (asksForPermission(job)) return 'later';
      return (await this.#type(job, messages(job), stop)) ?? 'done';
    };
    this.#with.dispatcher.whenFree(job, { what: 'messages', run });
  }

  /** @returns what was in the way, if anything */
  async #type(
    job: LiveJob,
    note: Note,
    stop: AbortSignal,
    typed: () => Promise<void> = async () => {},
  ): Promise<Obstacle | undefined> {
    const { record } = job;
    const { agent_session: session, agent_process: agent } = record;
    if (session === undefined || agent === undefined || isFinal(record.status)) return undefined;
    const mark = randomSuffix();
    const target: Target = { pane: session.pane, pane_pid: agent.pane_pid, agent };
    const look = { ...lookFor(record), needle: mark };
    const { what, count, about } = note;
    let taken: Promise<unknown> | undefined;
    try {
      const context = { socket: session.socket, jobs: [job.id], agent: record.agent, typing: record.typing };
      const announced = { ...context, what, text: `${note.text}, note ${mark}`, mark };
      const end = await this.#with.typist.type({
        target,
        look,
        announced,
        steps: {
          pasting: async () => {
            await this.#with.registrar.record(job, draftEvent(job.id, 'pasting', { data: { what } }));
          },
          visible: () => {},
          submitted: (evidence) => {
            void typed();
            taken = this.#with.registrar.note(job, 'submitted', { data: { what, count, about, evidence } });
          },
          stop,
        },
      });
      // The next note must not hold these messages again.
      await taken;
      if (end.kind === 'blocked') {
        if (job.record.typing_now !== undefined)
          await this.#with.registrar.note(job, 'blocked', { data: { what, by: end.obstacle.by } });
        return end.obstacle;
      }
      if (end.kind === 'unverified') {
        const detail = cleanLine(`The ${what} typed into the pane: ${end.why}`, LIMITS.detailChars);
        await this.#with.registrar.note(job, 'delivery_unverified', { detail });
      }
      return undefined;
    } catch (error) {
      this.#with.log.error(`the ${what} of ${job.id} could not be typed`, error);
      return noPaste(error);
    }
  }
}

function asksForPermission({ record }: LiveJob): boolean {
  return openRequests(record, 'permission').length > 0;
}

/** The command line as the peer can call it. */
function commandFor({ agent, typing }: JobRecord): string {
  return takesTask(agent, typing) ? (typing?.mam ?? 'mam') : plainCommand(typing?.mam);
}

function reminder({ id, record }: LiveJob): Note {
  const text = `Job ${id} is still open and your turn has ended: report now with the MCP tool publish_event of the server mam, job_id ${id}, event completed, error or question. Without that tool run: ${commandFor(record)} publish --job ${id} --event completed`;
  return { what: 'reminder', text, count: 0, about: 0 };
}

/** The messages themselves if they fit and an agent is known to read them, else how to fetch them. */
function messages({ id, record }: LiveJob): Note {
  const all = record.messages.map((message) => cleanLine(message, 2 * LIMITS.orderChars)).join(' ');
  const text = `Job ${id}, for you: ${all}`;
  const fits =
    takesTask(record.agent, record.typing) &&
    text.length <= LIMITS.orderChars - 40 &&
    record.messages.every((message) => message === cleanLine(message, LIMITS.orderChars));
  const about = record.messages.length;
  if (fits) return { what: 'messages', text, count: about, about };
  const pointer = `Job ${id}: there is something for you to read. Call the MCP tool publish_event of the server mam with job_id ${id} and event progress. Its answer holds it. Without that tool run: ${commandFor(record)} publish --job ${id} --event progress`;
  return { what: 'messages', text: pointer, count: 0, about };
}
