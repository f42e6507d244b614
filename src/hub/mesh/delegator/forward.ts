import { explain, MamError } from '../../../base/errors.ts';
import { cleanAll } from '../../../base/text.ts';
import { needsAttention } from '../../../job/apply.ts';
import type { JobRecord } from '../../../job/record.ts';
import { asReplica } from '../../../job/replica.ts';
import { isFinal } from '../../../job/words.ts';
import type { AnswerParams } from '../../../operations/answer.ts';
import type { CancelParams } from '../../../operations/cancel.ts';
import type { AskHostParams, DelegateToParams } from '../../../operations/delegate-to.ts';
import type { DiffParams } from '../../../operations/diff.ts';
import type { DiscardParams } from '../../../operations/discard.ts';
import type { HostsParams, HostsResult } from '../../../operations/hosts.ts';
import type { ListResult } from '../../../operations/list.ts';
import type { MergeParams } from '../../../operations/merge.ts';
import type { Command, Reply } from '../../../operations/request.ts';
import type { VerifyParams } from '../../../operations/verify.ts';
import type { Changes } from '../../jobs/changes.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import type { Registrar } from '../../jobs/registrar.ts';
import type { Wakes } from '../../notify/wakes.ts';
import type { AskCommand } from '../wire/messages.ts';
import { agentRowsOf, jobRowsOf, recordOf, screenResultOf, startResultOf, stopResultOf } from './answers.ts';
import type { AskOptions, AskResult, Asks } from './asks.ts';
import { HomeError } from './home-error.ts';
import { NoAnswer } from './no-answer.ts';
import type { RemoteDelegation } from './remote-delegation.ts';
import { differenceIn, diffPageIn, discardedIn, mergedIn } from './tree-answers.ts';

/** How long (ms) the events of an answer are waited for: they are on their way before it. */
const EVENTS_MS = 2_000;
/** How long the start of an agent may take, in ms: it may need 45 s to become ready. */
const START_MS = 55_000;
/** How long a check may run where neither the request nor the job says so, in seconds. */
const CHECK_SECONDS = 600;
/** How long the hooks of a merge may run, and how long the removal of a large worktree may take, in ms: just less than the command waits. */
const MERGE_MS = 590_000;
const DISCARD_MS = 290_000;
/** How long after a check's time limit its verdict may come, in ms. */
const VERDICT_MARGIN_MS = 15_000;

type Result = NonNullable<Reply['result']>;
type Handler = (params: unknown, requestId: string) => Promise<Result>;
type JobAddress = { job_id: string; registry_dir?: string | undefined };

/** Requests about another host, or about a job that another host has: that host carries them out. */
export class Forward {
  readonly #with;

  constructor(parts: {
    asks: Asks;
    registrar: Registrar;
    changes: Changes;
    wakes: Pick<Wakes, 'seen'>;
    delegation: RemoteDelegation;
    hosts: (params: HostsParams) => Promise<HostsResult>;
    /** Ends the copy of a job whose host never returns. */
    forget: (job: LiveJob) => Promise<void>;
    /** Whether a host shows us all of its jobs. */
    sees: (host: string) => 'own' | 'all';
  }) {
    this.#with = parts;
  }

  /** Who carries out a request; undefined if it concerns this host alone. */
  async handlerFor(command: Command, params: unknown): Promise<Handler | undefined> {
    switch (command) {
      case 'delegate_to':
        return (given, id) => this.#delegate(given as DelegateToParams, id);
      case 'ask_host':
        return (given, id) => this.#askHost(given as AskHostParams, id);
      case 'hosts':
        return (given) => this.#with.hosts((given ?? {}) as HostsParams);
      case 'answer':
      case 'cancel':
      case 'verify':
      case 'screen': {
        const job = await this.#replicaOf(params as JobAddress);
        return job && this.#write(command, job);
      }
      case 'diff':
      case 'merge':
      case 'discard': {
        const job = await this.#replicaOf(params as JobAddress);
        return job && this.#work(command, job);
      }
      default:
        return undefined;
    }
  }

  async #delegate(params: DelegateToParams, id: string): Promise<Result> {
    const { delegation, wakes } = this.#with;
    if (params.dry_run === true) return delegation.preview(params);
    const result = await delegation.delegate(params, id);
    const { job_id, registry_dir, supervisor } = result.record;
    // The answer says what blocks the job, so no line repeats that.
    if (needsAttention(result.record))
      await wakes.seen({ job_id, registry_dir, seen_by: supervisor.session });
    return result;
  }

  async #askHost({ host, command, params }: AskHostParams, requestId: string): Promise<Result> {
    const { asks, sees } = this.#with;
    const { agent, name: session, workdir, model, resume } = params;
    const ask = (asked: object, answerMs?: number): Promise<AskResult> =>
      asks.ask(host, command, asked, { id: askId(requestId), ...(answerMs !== undefined && { answerMs }) });
    switch (command) {
      case 'start':
        return { ...startResultOf(host, await ask({ agent, session, workdir, model, resume }, START_MS)) };
      case 'stop':
        return { ...stopResultOf(host, await ask({ session })) };
      case 'list':
        return { ...chosen(host, await ask({ see: sees(host) }), params) };
      default:
        return { agents: agentRowsOf(host, await ask({})) };
    }
  }

  /** The copy that a request is about; undefined for a job of this host, and for one that is not found. */
  async #replicaOf({ job_id: id, registry_dir }: JobAddress): Promise<LiveJob | undefined> {
    const { registrar } = this.#with;
    const job = registrar.held(id) ?? (await registrar.find(id, registry_dir).catch(() => undefined));
    return job?.record.home === undefined ? undefined : job;
  }

  #write(command: 'answer' | 'cancel' | 'verify' | 'screen', job: LiveJob): Handler | undefined {
    if (command === 'cancel') return (params, id) => this.#cancel(job, params as CancelParams, id);
    if (command === 'verify') return (params, id) => this.#verify(job, params as VerifyParams, id);
    // What has ended is all here.
    if (isFinal(job.record.status)) return undefined;
    if (command === 'screen') return () => this.#screen(job);
    return (params, id) => this.#answer(job, params as AnswerParams, id);
  }

  /** The work is in the repository of the other host: its git is asked, and what it merges, it merges there. */
  #work(command: 'diff' | 'merge' | 'discard', job: LiveJob): Handler {
    const host = hostOf(job);
    if (command === 'diff') return (params) => this.#diff(job, params as DiffParams);
    if (command === 'merge')
      return async (params, id) => {
        const { into, committed_only, force, by } = params as MergeParams;
        const asked = { into, committed_only, force, by };
        const answer = await this.#ask(job, 'merge', asked, { id: askId(id), answerMs: MERGE_MS });
        await this.#lookedAt(job);
        return this.#withRecord(job, answer, mergedIn(host, answer));
      };
    return async (params, id) => {
      const { branch, force, dry_run, by } = params as DiscardParams;
      const asked = { branch, force, dry_run, by };
      const answer = await this.#ask(job, 'discard', asked, { id: askId(id), answerMs: DISCARD_MS });
      return this.#withRecord(job, answer, discardedIn(host, answer));
    };
  }

  async #diff(job: LiveJob, { stat, exact, columns, page, offset }: DiffParams): Promise<Result> {
    const host = hostOf(job);
    const answer = await this.#ask(job, 'diff', { stat, exact, columns, page, offset }, {});
    if (page !== undefined) return { ...diffPageIn(host, answer) };
    const { data, ...said } = differenceIn(host, answer);
    await this.#lookedAt(job);
    return { record: job.record, ...cleanAll(said), data };
  }

  #lookedAt({ id: job_id, registryDir: registry_dir }: LiveJob): Promise<unknown> {
    return this.#with.wakes.seen({ job_id, registry_dir, by_person: true });
  }

  async #cancel(job: LiveJob, params: CancelParams, id: string): Promise<Result> {
    const { reason, interrupt, by, forget, seen_by } = params;
    const { record } = job;
    if (isFinal(record.status))
      return { record, changed: false, note: `The job was already ${record.status}; nothing changed.` };
    if (forget === true) return this.#forget(job);
    const answer = await this.#ask(job, 'cancel', { reason, interrupt, by }, { id: askId(id) });
    await this.#with.wakes.seen({ job_id: job.id, registry_dir: job.registryDir, seen_by });
    return this.#withRecord(job, answer);
  }

  async #forget(job: LiveJob): Promise<Result> {
    const host = hostOf(job);
    await this.#with.forget(job);
    const note = `It is no longer waited for. Whatever runs on ${host} goes on; if ${host} comes back, the job is followed again.`;
    return { record: job.record, changed: true, note };
  }

  async #answer(job: LiveJob, params: AnswerParams, id: string): Promise<Result> {
    const { text, decision, request_id, by } = params;
    const answer = await this.#ask(job, 'answer', { text, decision, request_id, by }, { id: askId(id) });
    return this.#withRecord(job, answer);
  }

  /** Without an answer there is no screen: everything else about the job can be shown. */
  async #screen(job: LiveJob): Promise<Result> {
    try {
      return { ...screenResultOf(hostOf(job), await this.#ask(job, 'screen', {}, {})) };
    } catch (error) {
      if (!(error instanceof MamError)) throw error;
      return { screen: [], live: true, missing: explain(error).replace('; nothing was changed', '') };
    }
  }

  async #verify(job: LiveJob, params: VerifyParams, id: string): Promise<Result> {
    const { validate, validate_timeout_seconds, by } = params;
    if (validate !== undefined) {
      const what = `Job ${job.id} is on ${hostOf(job)}: only its own script can check it from here.`;
      throw new MamError('bad_input', what, 'Leave out validate, or run another script on that host.');
    }
    const seconds = validate_timeout_seconds ?? job.record.validation?.timeout_seconds ?? CHECK_SECONDS;
    const answerMs = seconds * 1000 + VERDICT_MARGIN_MS;
    const asked = { validate_timeout_seconds, by };
    return this.#withRecord(job, await this.#ask(job, 'verify', asked, { id: askId(id), answerMs }));
  }

  /** @throws MamError as `Asks.ask`; where nothing was sent it says so */
  async #ask(job: LiveJob, command: AskCommand, params: object, options: AskOptions): Promise<AskResult> {
    const host = hostOf(job);
    if (job.record.home?.state === 'lost') {
      const what = `Nothing more is known of job ${job.id}: ${host} no longer has it as a job of this host, or it was given up here.`;
      throw new MamError('unavailable', what, `\`mam logs ${job.id}\` shows what is known.`);
    }
    try {
      return await this.#with.asks.ask(host, command, { job_id: job.id, ...params }, options);
    } catch (error) {
      if (!(error instanceof MamError) || error instanceof NoAnswer || error instanceof HomeError)
        throw error;
      const what = `${error.message.replace(/\.$/, '')}; nothing was changed.`;
      throw new MamError(error.code, what, error.hint);
    }
  }

  /** An answer with the job's record as it is here, once the events of the answer are. */
  async #withRecord(job: LiveJob, answer: AskResult, said?: object): Promise<Result> {
    const theirs = recordOf(hostOf(job), answer);
    await this.#with.changes.until(job, ({ record }) => record.seq >= theirs.seq, EVENTS_MS);
    const record = job.record.seq >= theirs.seq ? job.record : shown(job, theirs);
    const { record: _, ...rest } = answer;
    return { ...cleanAll(said ?? rest), record };
  }
}

/** A record of another host as this hub shows it. */
function shown({ replica, registryDir }: LiveJob, record: JobRecord): JobRecord {
  return replica === undefined ? record : asReplica(record, replica, registryDir);
}

/** The jobs of another host's list that were asked for. */
function chosen(host: string, answer: AskResult, filter: Record<string, unknown>): ListResult {
  const rows = jobRowsOf(host, answer);
  const { status, agent, needs_you, limit } = filter;
  const jobs = rows.filter(
    (row) =>
      (status === undefined || row.status === status) &&
      (agent === undefined || row.agent === agent || row.profile === agent) &&
      (needs_you !== true || row.needs_you === true),
  );
  const need_you = rows.filter((row) => row.needs_you === true).length;
  return {
    jobs: jobs.slice(0, typeof limit === 'number' ? limit : jobs.length),
    total: rows.length,
    need_you,
  };
}

function hostOf({ record }: LiveJob): string {
  return record.home?.host ?? record.host;
}

/** The same request has the same ask, also after the hub was started anew meanwhile. */
function askId(requestId: string): string {
  // An id of an ask has at most 80 characters.
  return `request-${requestId}`.slice(0, 80);
}
