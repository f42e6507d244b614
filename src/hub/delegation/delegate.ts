import { existsSync } from 'node:fs';
import { MamError } from '../../base/errors.ts';
import { newJobId } from '../../base/ids.ts';
import { sha256 } from '../../base/sha256.ts';
import { dropSpool, takeSpool } from '../../bus/spool/spool.ts';
import { needsAttention } from '../../job/apply.ts';
import type { JobOrder } from '../../job/record.ts';
import { wholeTask } from '../../job/task-text.ts';
import { isFinal } from '../../job/words.ts';
import type { DelegateParams, DelegateResult, PreviewResult } from '../../operations/delegate.ts';
import type { Delegator } from '../../order/compose-job.ts';
import { checkPrompt } from '../../order/delegation-checks.ts';
import { restorePrompt } from '../../order/prompt-file.ts';
import { lostSocket } from '../../tmux/server-life.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import { chainOf } from './chain.ts';
import { orderOf, type Parts } from './create-job.ts';
import { type Plan, planDelegation } from './delegation-plan.ts';
import { checkSame, knownJob } from './known-job.ts';
import { otherFolder } from './other-folder.ts';
import { otherProfile } from './other-profile.ts';
import type { Place } from './place.ts';
import { checkKept, previewResult } from './preview.ts';
import { checkSamePrompt, jobByKey, keysOf, promptAgain, UnderWay } from './repeats.ts';
import { sharedFolder } from './shared-folder.ts';
import { toHuman } from './to-human.ts';
import { toNewSession } from './to-new-session.ts';
import { toPane } from './to-pane.ts';
import { toPrepared } from './to-prepared.ts';

/** A delegation is answered after this time even if the prompt is not submitted yet, in ms. */
const SUBMIT_TIMEOUT_MS = 5_000;

/** Registers jobs, each once, and starts their delivery. */
export class Delegations {
  readonly #with: Parts;
  readonly #underWay = new UnderWay<DelegateResult>();

  constructor(parts: Parts) {
    this.#with = parts;
  }

  /**
   * Registers a job and hands it over.
   * @param delegator for a job that another host delegates: what its hub has fixed about it
   * @returns when the prompt is submitted, when the job has to wait for its pane, or after 5 s
   * @throws MamError for anything that keeps the job from being registered; then there is no job
   */
  async delegate(params: DelegateParams, delegator?: Delegator): Promise<DelegateResult> {
    return this.#droppingSpool(params, () => this.#once(params, delegator));
  }

  /**
   * What `delegate` would do with this request, by the same checks; nothing is registered, created or typed.
   * @throws MamError as `delegate` would
   */
  async preview(params: DelegateParams, delegator?: Delegator): Promise<PreviewResult> {
    return this.#droppingSpool(params, async () => {
      const known = existsSync(params.registry_dir) ? await this.#known(params, delegator) : undefined;
      if (known !== undefined) return this.#repeated(known, params);
      const prompt = await this.#promptOf(params);
      const chain = await this.#chainOf(params, prompt, delegator);
      const plan = await planDelegation(this.#with, params, delegator?.job_id ?? newJobId(prompt));
      await checkKept(this.#with.registrar, params);
      const wish = { params: inTree(params, plan), prompt, plan, delegator, chain };
      return previewResult(this.#with, wish, orderOf(this.#with, wish));
    });
  }

  async #droppingSpool<T>({ prompt_spool: spool }: DelegateParams, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } finally {
      if (spool !== undefined) await dropSpool(this.#with.home.folder, spool);
    }
  }

  async #once(params: DelegateParams, delegator: Delegator | undefined): Promise<DelegateResult> {
    return this.#underWay.run(
      delegator === undefined ? keysOf(params) : [JSON.stringify(['id', delegator.job_id])],
      () => this.#byKey(params, delegator),
      async (jobId) => {
        const job = await this.#with.registrar.find(jobId);
        if (delegator !== undefined) checkSame(job, delegator);
        return this.#repeated(job, params);
      },
    );
  }

  async #byKey(params: DelegateParams, delegator: Delegator | undefined): Promise<DelegateResult> {
    const known = await this.#known(params, delegator);
    if (known === undefined) return this.#register(params, await this.#promptOf(params), delegator);
    return this.#repeated(known, params);
  }

  /** The job that was delegated with the same key, or by another host with the same id. */
  async #known(params: DelegateParams, delegator: Delegator | undefined): Promise<LiveJob | undefined> {
    const { registrar } = this.#with;
    return delegator === undefined
      ? jobByKey(registrar, params)
      : knownJob(registrar, params.registry_dir, delegator);
  }

  async #repeated(job: LiveJob, params: DelegateParams): Promise<DelegateResult> {
    const prompt = await promptAgain(() => this.#promptOf(params));
    if (prompt !== undefined) checkSamePrompt(job, prompt);
    const whole = prompt === undefined ? undefined : wholeTask(params.preamble, prompt);
    // Not with a preamble that has changed meanwhile.
    if (whole !== undefined && sha256(whole) === job.record.prompt_sha256)
      await restorePrompt(job, whole).catch((error) => this.#with.log.error(`task of ${job.id}`, error));
    return this.#result(job, true, []);
  }

  async #register(
    asked: DelegateParams,
    prompt: string,
    delegator: Delegator | undefined,
  ): Promise<DelegateResult> {
    // What is wrong with the request itself is said before what is missing here.
    const chain = await this.#chainOf(asked, prompt, delegator);
    const plan = await planDelegation(this.#with, asked, delegator?.job_id ?? newJobId(prompt));
    await this.#with.registrar.ready(asked.registry_dir);
    const params = inTree(asked, plan);
    const given = { params, prompt, plan, delegator, chain };
    // Composed right before the job is created, so that the limits count concurrent delegations.
    const wish = { ...given, order: orderOf(this.#with, given) };
    const { start, place, tree } = plan;
    if (params.on_busy === 'refuse' && params.after === undefined) this.#refuseFull(wish.order);
    if (wish.order.prepares !== undefined) {
      const job = await toPrepared(this.#with, wish);
      return this.#answer(job, async () => [
        ...(tree?.warnings ?? []),
        ...(await this.#doubts(params, place)),
      ]);
    }
    if (start !== undefined) {
      const job = await toNewSession(this.#with, wish, start);
      return isFinal(job.record.status) ? this.#result(job, false, []) : this.#answer(job);
    }
    const made = place === undefined ? toHuman(this.#with, wish) : toPane(this.#with, wish, place);
    const job = await made;
    return this.#answer(job, () => this.#doubts(params, place));
  }

  /** What may be wrong with the agent that a job is for. */
  async #doubts(params: DelegateParams, place: Place | undefined): Promise<string[]> {
    return [...otherProfile(params, place), ...(await otherFolder(this.#with.servers, params, place))];
  }

  /** A prompt of another host says nothing of the jobs here. */
  async #chainOf(params: DelegateParams, prompt: string, delegator: Delegator | undefined) {
    return delegator === undefined ? chainOf(this.#with.registrar, params, prompt) : undefined;
  }

  /** Answers when the prompt is submitted, when something blocks it, or after the timeout. */
  async #answer(job: LiveJob, doubts = async (): Promise<string[]> => []): Promise<DelegateResult> {
    // What soon passes, such as the start of an agent, is not reported as an obstacle.
    await this.#with.changes.until(
      job,
      ({ record }) =>
        record.status !== 'queued' ||
        record.blocked_by === 'busy' ||
        record.blocked_by === 'after' ||
        record.blocked_by === 'pool' ||
        needsAttention(record) ||
        // A job that waits for a session of its own says so in a moment.
        (record.agent_session !== undefined &&
          this.#position(job) > 0 &&
          (record.behind !== undefined || !this.#isBehindStuck(job))),
      SUBMIT_TIMEOUT_MS,
    );
    const warnings = [...sharedFolder(job.record, this.#with.registrar.open), ...(await doubts())];
    return this.#result(job, false, warnings);
  }

  /** For `on_busy: refuse`. @throws MamError `conflict` when a new session would have to wait */
  #refuseFull(order: JobOrder): void {
    const why = order.new_session && this.#with.pool.fullFor(order);
    if (why === undefined) return;
    throw new MamError(
      'conflict',
      `No new session of ${order.profile ?? order.agent} is free now: ${why}.`,
      'Wait until one is, or delegate with on_busy "queue".',
    );
  }

  async #promptOf({ prompt, prompt_spool: spool }: DelegateParams): Promise<string> {
    return checkPrompt(spool === undefined ? prompt : await takeSpool(this.#with.home.folder, spool));
  }

  #queueOf(job: LiveJob): LiveJob[] {
    const { agent_session: session } = job.record;
    return session === undefined
      ? [...this.#with.pool.ahead(job), job]
      : this.#with.dispatcher.ahead(session.socket, session.pane);
  }

  /** True when the job that has the pane needs attention: the record of the one behind it is about to say so. */
  #isBehindStuck(job: LiveJob): boolean {
    const [holder] = this.#queueOf(job);
    return holder !== undefined && holder !== job && needsAttention(holder.record);
  }

  #position(job: LiveJob): number {
    return Math.max(0, this.#queueOf(job).indexOf(job));
  }

  #result(job: LiveJob, repeated: boolean, warnings: string[]): DelegateResult {
    const { record } = job;
    const { agent_session: session, delivery } = record;
    const position = this.#position(job);
    const queue = this.#queueOf(job).slice(0, position);
    const behind = queue.map(({ id }) => id);
    const lost = session && lostSocket(session.socket);
    const all = lost === undefined ? warnings : [...warnings, lost];
    return { record, repeated, delivery, position, behind, warnings: all };
  }
}

/** The request for a job with a worktree: it works there. */
function inTree(params: DelegateParams, { tree }: Plan): DelegateParams {
  return tree === undefined ? params : { ...params, workdir: tree.workdir };
}
