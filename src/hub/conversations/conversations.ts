import { builtIn } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { grouped } from '../../base/text.ts';
import type { HookReport } from '../../job/hook.ts';
import type { AgentSession, JobRecord } from '../../job/record.ts';
import { addUsage, modelName, spentTokens } from '../../job/usage.ts';
import type { Conversation, Usage } from '../../job/usage-schema.ts';
import { AMENDABLE, isFinal } from '../../job/words.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { agentsFile, sizeOf, TranscriptPart } from './transcript-part.ts';

/** How often (ms) a job with a budget is counted during a turn. */
const BUDGET_MS = 5_000;
/** An agent may write the last line of a turn after its hook has reported the end; in ms. */
const LAST_LINE_MS = 1_000;
/** More conversations than are in use; of those that no hook ends, the oldest are forgotten. */
const MOST_KEPT = 500;
/** A job that ended so has no agent any more. */
const WITHOUT_AGENT: readonly string[] = ['session_lost', 'delivery_failed'];

/** A job's conversation, and what is known of its part. */
interface Held {
  jobId: string;
  key: string;
  part: TranscriptPart | undefined;
  before: Usage | undefined;
  /** It was opened again for a job that had ended: its turns belong to the job as long as a late report counts. */
  isReopened: boolean;
  counting: Promise<void>;
  /** Where its part ends, in bytes, once another job has the conversation. */
  end?: number;
}

interface Parts {
  registrar: Pick<Registrar, 'find' | 'held' | 'note'>;
  log: Log;
}

/** Which conversation of its agent each job has, and what was used in it between the job's prompt and its end. */
export class Conversations {
  readonly #with: Parts;
  /** By job. */
  readonly #held = new Map<string, Held>();
  /** By agent and conversation: the job whose prompt it has taken last. */
  readonly #holders = new Map<string, Held>();
  /** By agent and conversation: those in which an agent is being started. */
  readonly #opening = new Set<string>();
  #budgets: NodeJS.Timeout | undefined;
  #busy = 0;
  #stopped = false;

  constructor(parts: Parts) {
    this.#with = parts;
  }

  get hasWork(): boolean {
    return this.#busy > 0;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#budgets);
  }

  /** Goes on with a job that an earlier hub has left open. */
  resume(job: LiveJob): void {
    if (job.record.conversation === undefined) return;
    void this.#count(this.#hold(job.record));
  }

  onRecorded(job: LiveJob, { before, after }: Recorded): void {
    if (!isFinal(after.status) || before === undefined || isFinal(before.status)) return;
    const held = this.#held.get(job.id);
    if (held === undefined) return;
    // What it has used up to here is part of the outcome; its turn may go on.
    const counted = this.#count(held);
    if (WITHOUT_AGENT.includes(after.reason ?? '')) void counted.then(() => this.#forget(held));
  }

  /**
   * Takes what a hook says about its conversation.
   * @param agent the kind
   * @param job that the hook's pane has, if it has one
   * @returns once the beginning of the job's part is recorded: until then, its agent waits
   */
  async heard(agent: string, report: HookReport, job: LiveJob | undefined): Promise<void> {
    const { session_id: id, type, text } = report;
    if (id === undefined || builtIn(agent)?.conversation?.id.test(id) !== true) return;
    if (type === 'submitted' && job !== undefined && text?.includes(job.id) === true) {
      await this.#begin(agent, id, report, job);
      return;
    }
    const held = this.#holders.get(keyOf({ agent, id }));
    if (held === undefined) return;
    if (report.ledger !== undefined) await this.#follow(held, agent, id, report);
    if (!ENDS.includes(type)) return;
    const now = this.#holders.get(keyOf({ agent, id })) ?? held;
    void this.#count(now);
    setTimeout(() => void this.#count(now).then(() => this.#endTurn(now)), LAST_LINE_MS).unref();
  }

  /** The job whose turn it is in a conversation, or was last, as far as that is known. */
  holderOf(conversation: Conversation): string | undefined {
    return this.#holders.get(keyOf(conversation))?.jobId;
  }

  /**
   * Opens a conversation again, which takes as long as its agent takes to start.
   * @throws MamError `conflict` while the same is being opened, and as `open`
   */
  async opening<T>(conversation: Conversation, jobId: string, open: () => Promise<T>): Promise<T> {
    const key = keyOf(conversation);
    if (this.#opening.has(key))
      throw new MamError(
        'conflict',
        `The conversation of job ${jobId} is being opened already.`,
        'Look for its agent with `mam agents`.',
      );
    this.#opening.add(key);
    return open().finally(() => this.#opening.delete(key));
  }

  /** A job's conversation is open again in this pane: what is used there from now on is its own. */
  async reopened(
    job: LiveJob,
    conversation: Conversation,
    place: { agent_session: AgentSession; agent_process: NonNullable<JobRecord['agent_process']> },
  ): Promise<void> {
    // Its ledger is another one now, which its hooks will name.
    const { ledger: _, ...same } = conversation;
    const from = await startOf(same);
    const data = { conversation: { ...same, from }, ...place };
    await this.#with.registrar.note(job, 'conversation', { data });
    this.#hold(job.record).isReopened = true;
  }

  /** After a resumption, another process says elsewhere what was used. */
  async #follow(held: Held, agent: string, id: string, report: HookReport): Promise<void> {
    const job = await this.#with.registrar.find(held.jobId).catch(() => undefined);
    if (job === undefined || job.record.conversation?.ledger === agentsFile(report.ledger)) return;
    await this.#begin(agent, id, report, job);
    const next = this.#held.get(job.id);
    if (next !== undefined) next.isReopened = held.isReopened;
  }

  async #begin(agent: string, id: string, report: HookReport, job: LiveJob): Promise<void> {
    const [transcript, ledger] = [agentsFile(report.transcript), agentsFile(report.ledger)];
    const known = job.record.conversation;
    const key = keyOf({ agent, id });
    const holder = this.#holders.get(key);
    // A reminder or a message.
    if (holder?.jobId === job.id && known?.transcript === transcript && known?.ledger === ledger) return;
    const begun = {
      ...{ agent, id },
      ...(transcript !== undefined && { transcript }),
      ...(ledger !== undefined && { ledger }),
    };
    const from = await startOf(begun);
    if (holder !== undefined && holder.jobId !== job.id) {
      holder.end = from;
      void this.#count(holder).then(() => this.#forget(holder));
    }
    const mine = this.#held.get(job.id);
    if (mine !== undefined) await this.#count(mine);
    const model = report.model && modelName(report.model);
    const conversation = { ...begun, from, ...(model !== undefined && { model }) };
    await this.#with.registrar.note(job, 'conversation', { data: { conversation } });
    this.#hold(job.record);
  }

  #hold(record: JobRecord): Held {
    const { job_id: jobId, conversation, usage_before: before, max_tokens: most } = record;
    const earlier = this.#held.get(jobId);
    if (earlier !== undefined) this.#forget(earlier);
    const held: Held = {
      ...{ jobId, before, isReopened: false, counting: Promise.resolve() },
      key: conversation === undefined ? '' : keyOf(conversation),
      part: conversation && partOf(conversation),
    };
    this.#held.set(jobId, held);
    this.#holders.set(held.key, held);
    const [oldest] = this.#held.values();
    if (this.#held.size > MOST_KEPT && oldest !== undefined) this.#forget(oldest);
    if (most !== undefined && !this.#stopped)
      this.#budgets ??= setInterval(() => this.#lookAtBudgets(), BUDGET_MS).unref();
    return held;
  }

  #forget(held: Held): void {
    if (this.#held.get(held.jobId) === held) this.#held.delete(held.jobId);
    if (this.#holders.get(held.key) === held) this.#holders.delete(held.key);
  }

  /** After the turn in which a job has ended, its agent works for somebody else. */
  #endTurn(held: Held): void {
    const record = this.#with.registrar.held(held.jobId)?.record;
    if (record !== undefined && !isFinal(record.status)) return;
    const mayBeAmended = record?.status === 'failed' && AMENDABLE.includes(record.reason ?? '');
    if (!(held.isReopened && mayBeAmended)) this.#forget(held);
  }

  #lookAtBudgets(): void {
    const open = [...this.#held.values()].filter(({ jobId }) => {
      const record = this.#with.registrar.held(jobId)?.record;
      const { max_tokens: most, over_budget_at: at, status } = record ?? {};
      return most !== undefined && at === undefined && status !== undefined && !isFinal(status);
    });
    for (const held of open) void this.#count(held);
    if (open.length > 0) return;
    clearInterval(this.#budgets);
    this.#budgets = undefined;
  }

  /** Reads on, and records what was used if it is more than before. */
  #count(held: Held): Promise<void> {
    this.#busy++;
    held.counting = held.counting
      .then(() => this.#countNow(held))
      .catch((error) => this.#with.log.error(`what ${held.jobId} has used`, error))
      .finally(() => this.#busy--);
    return held.counting;
  }

  async #countNow(held: Held): Promise<void> {
    const { jobId, part, before } = held;
    await part?.readOn(held.end);
    const used = part?.usage;
    if (used === undefined || this.#stopped) return;
    const usage = before === undefined ? used : addUsage(before, used);
    const job = await this.#with.registrar.find(jobId).catch(() => undefined);
    if (job === undefined || isSame(usage, job.record.usage)) return;
    await this.#with.registrar.note(job, 'usage', { data: { usage }, ...overText(job.record, usage) });
  }
}

/** Reports after which a turn has ended. */
const ENDS: readonly HookReport['type'][] = [
  ...(['turn_ended', 'interrupted', 'api_error', 'rate_limited', 'session_ended'] as const),
];

function keyOf({ agent, id }: Pick<Conversation, 'agent' | 'id'>): string {
  return `${agent} ${id}`;
}

/** Where what comes next begins in the file that says what is used. */
async function startOf({ transcript, ledger }: Pick<Conversation, 'transcript' | 'ledger'>): Promise<number> {
  const file = ledger ?? transcript;
  return file === undefined ? 0 : sizeOf(file);
}

function partOf({ agent, transcript, ledger, from, model }: Conversation): TranscriptPart | undefined {
  const format = builtIn(agent)?.conversation?.usage;
  const file = ledger ?? transcript;
  return format && file !== undefined ? new TranscriptPart(file, format, from, model) : undefined;
}

function isSame(one: Usage, other: Usage | undefined): boolean {
  return (
    other !== undefined &&
    one.input_tokens === other.input_tokens &&
    one.output_tokens === other.output_tokens &&
    one.cached_tokens === other.cached_tokens &&
    one.models.join() === other.models.join()
  );
}

/** The sentence for a job that has passed its budget. */
function overText({ max_tokens: most }: JobRecord, usage: Usage): { detail?: string } {
  const spent = spentTokens(usage);
  if (most === undefined || spent <= most) return {};
  return {
    detail: `It has used ${grouped(spent)} tokens, more than its max_tokens of ${grouped(most)}. Nothing is stopped.`,
  };
}
