import { MamError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { dropSpool, takeSpool } from '../../../bus/spool/spool.ts';
import type { JobOrder } from '../../../job/record.ts';
import { checkNumbers } from '../../../operations/check.ts';
import { type DelegateResult, delegate, type PreviewResult } from '../../../operations/delegate.ts';
import type { DelegateToParams } from '../../../operations/delegate-to.ts';
import { composeJob } from '../../../order/compose-job.ts';
import { checkOrder, checkPrompt } from '../../../order/delegation-checks.ts';
import { checkLineage } from '../../delegation/lineage.ts';
import { checkSamePrompt, jobByKey, keysOf, promptAgain, UnderWay } from '../../delegation/repeats.ts';
import { wakeTarget } from '../../delegation/wake-target.ts';
import type { Dispatcher } from '../../delivery/dispatcher.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import type { Registrar } from '../../jobs/registrar.ts';
import type { PaneOwners } from '../../panes/pane-owners.ts';
import type { TmuxServers } from '../../panes/tmux-servers.ts';
import { previewResultOf, receiptOf } from './answers.ts';
import { type AskResult, type Asks, EXPIRES_MS, type Outcome } from './asks.ts';
import { HomeError } from './home-error.ts';
import { lineageOf } from './lineage.ts';
import { NoAnswer } from './no-answer.ts';
import { inPieces } from './pieces.ts';
import type { Replicas } from './replicas.ts';

/** A delegation of which the other host has not said yet whether it has taken it. */
const UNCONFIRMED = 'unconfirmed';

interface Parts {
  asks: Asks;
  replicas: Pick<Replicas, 'create' | 'askedAgain' | 'settle' | 'withdraw' | 'lookAgain'>;
  registrar: Registrar;
  /** Every open job: those of this host, and the copies of those on others. */
  open: () => LiveJob[];
  owners: PaneOwners;
  servers: TmuxServers;
  dispatcher: Dispatcher;
  /** Opens the way to a host. @throws MamError for one that can't be asked now */
  reach: (host: string) => Promise<unknown>;
  /** The time in `ms`, as that host's clock will show it. */
  inTheirClock: (host: string, ms: number) => string;
  host: string;
  /** `MAM_HOME`. */
  home: string;
  log: Log;
}

/** Delegates jobs to agents on other hosts: each has a copy here before its host is asked. */
export class RemoteDelegation {
  readonly #with: Parts;
  readonly #underWay = new UnderWay<DelegateResult>();

  constructor(parts: Parts) {
    this.#with = parts;
  }

  /**
   * Delegates a job, once for each key.
   * @param requestId of the request: the key of a call without one, which a client may send again
   * @returns the other host's receipt; or one whose stage is `unconfirmed`, after 20 s without an answer
   * @throws MamError for anything that keeps the job from being delegated; then there is no job
   */
  async delegate(given: DelegateToParams, requestId: string): Promise<DelegateResult> {
    const params = { request_key: `request:${requestId}`, ...given };
    return this.#droppingSpool(params, () =>
      this.#underWay.run(
        keysOf(params),
        () => this.#byKey(params),
        async (jobId) => this.#again(await this.#with.registrar.find(jobId), params),
      ),
    );
  }

  /** What the other host would do with it; nothing is kept on either. @throws MamError as `delegate` */
  async preview(params: DelegateToParams): Promise<PreviewResult> {
    return this.#droppingSpool(params, async () => {
      const prompt = await this.#promptOf(params);
      await this.#with.reach(params.host);
      const order = this.#orderOf(params, prompt);
      const text = await this.#send(params, order, prompt);
      const asked = { ...this.#asked(params, order), ...text };
      const answer = await this.#with.asks.ask(params.host, 'preview', asked);
      return { ...previewResultOf(params.host, answer), host: params.host };
    });
  }

  async #droppingSpool<T>({ prompt_spool: spool }: DelegateToParams, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } finally {
      if (spool !== undefined) await dropSpool(this.#with.home, spool);
    }
  }

  async #byKey(params: DelegateToParams): Promise<DelegateResult> {
    const known = await jobByKey(this.#with.registrar, params);
    return known === undefined ? this.#register(params) : this.#again(known, params);
  }

  /** Answers from the job that was delegated with the same key, and asks its host again if that has not confirmed it. */
  async #again(job: LiveJob, params: DelegateToParams): Promise<DelegateResult> {
    const prompt = await promptAgain(() => this.#promptOf(params));
    if (prompt !== undefined) checkSamePrompt(job, prompt);
    const { home } = job.record;
    if (home?.state !== 'asking') return this.#resultOf(job, { repeated: true });
    if (!home.online || prompt === undefined) return this.#unconfirmed(job, home.host, true);
    return this.#askAgain(job, { ...params, host: home.host }, prompt);
  }

  async #register(params: DelegateToParams): Promise<DelegateResult> {
    checkNumbers(delegate.fields, { ...params });
    const prompt = await this.#promptOf(params);
    await this.#with.reach(params.host);
    const notify = await wakeTarget(this.#with, params);
    await this.#with.registrar.ready(params.registry_dir);
    // A long prompt is sent first: until the job is there, nothing has to be taken back.
    const text = await this.#send(params, this.#orderOf(params, prompt, notify), prompt);
    // Composed anew right before the job is created, so that the limits count concurrent delegations.
    const order = this.#orderOf(params, prompt, notify);
    const asked = { home: params.host, expires_at: this.#expiry(params.host) };
    const job = this.#with.replicas.create(order, prompt, asked);
    await job.kept;
    try {
      return await this.#ask(job, params.host, { ...this.#asked(params, order), ...text });
    } catch (error) {
      await this.#with.replicas.withdraw(job);
      throw error;
    }
  }

  /** The host takes a job that it has already as the same one, by its id. */
  async #askAgain(job: LiveJob, params: DelegateToParams, prompt: string): Promise<DelegateResult> {
    const { replicas } = this.#with;
    const { host } = params;
    try {
      const text = await this.#send(params, job.record, prompt);
      await replicas.askedAgain(job, this.#expiry(host));
      const result = await this.#ask(job, host, { ...this.#asked(params, job.record), ...text });
      return { ...result, repeated: true };
    } catch (error) {
      if (!(error instanceof MamError)) throw error;
      if (error instanceof HomeError) replicas.lookAgain(job);
      return this.#unconfirmed(job, host, true);
    }
  }

  /**
   * Asks the host to take the job. Without an answer, the job stays as it is.
   * @throws MamError when it is certain that the host has not taken it
   */
  async #ask(job: LiveJob, host: string, asked: object): Promise<DelegateResult> {
    const { asks, replicas, log } = this.#with;
    const onLate = (outcome: Outcome): void => this.#late(job, outcome);
    let answer: AskResult;
    try {
      answer = await asks.ask(host, 'delegate', asked, { onLate });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      // Its events say it as well as its answer.
      return job.record.seq > 0 ? this.#resultOf(job, {}) : this.#unconfirmed(job, host, false);
    }
    // It has the job, whatever comes of its first events.
    await replicas.settle(job, answer).catch((error) => log.error(`the first events of ${job.id}`, error));
    return this.#resultOf(job, receiptOf(answer));
  }

  #late(job: LiveJob, outcome: Outcome): void {
    const { replicas, log } = this.#with;
    if ('error' in outcome) replicas.lookAgain(job);
    else
      replicas
        .settle(job, outcome.result)
        .catch((error) => log.error(`the late answer about ${job.id}`, error));
  }

  #expiry(host: string): string {
    return this.#with.inTheirClock(host, EXPIRES_MS);
  }

  #orderOf(params: DelegateToParams, prompt: string, notify?: JobOrder['notify']): JobOrder {
    const { registrar, owners, open, host } = this.#with;
    const parent = owners.parentOf(params.origin);
    checkLineage(params, undefined, { open: open(), parent, host, job: (id) => registrar.held(id) });
    const { workdir = '', validate: _, validate_rounds: __, ...rest } = params;
    const order = composeJob({
      // What only its home decides is not in the order until the home has shown it.
      params: {
        ...rest,
        workdir,
        start: undefined,
        fresh: false,
        session: undefined,
        notify: undefined,
        mam_command: 'mam',
        tmux_socket: '',
      },
      ...{ prompt, place: undefined, validation: undefined, parent: parent?.record, notify },
      ...{ host, peer_server: 'unknown' },
    });
    checkOrder(order);
    return order;
  }

  /** What the host is told about a job, without its prompt. */
  #asked(params: DelegateToParams, order: Pick<JobOrder, 'job_id' | 'depth'>): object {
    const { supervisor, timeout_seconds, idle_timeout_seconds } = params;
    const { agent, agent_session: session, workdir, request_key, on_busy } = params;
    const { validate, validate_rounds, validate_timeout_seconds, start, fresh, max_tokens, max, keep } =
      params;
    return {
      ...{ job_id: order.job_id, request_key, agent, session, workdir, on_busy },
      ...{ max_tokens, start, fresh, validate, validate_rounds, validate_timeout_seconds },
      ...{ new_session: params.session === 'new', max, keep },
      // An option that stands alone is empty.
      ...{ worktree: params.worktree === '' ? true : params.worktree, base: params.base },
      timeouts: { timeout_seconds, idle_timeout_seconds },
      lineage: this.#lineage(params),
      depth: order.depth,
      supervisor: { client: supervisor.client, session: supervisor.session },
    };
  }

  /** The part of an ask that is the prompt. @throws MamError as `inPieces` */
  #send(params: DelegateToParams, order: Pick<JobOrder, 'job_id' | 'depth'>, prompt: string) {
    return inPieces(this.#with.asks, params.host, this.#asked(params, order), prompt);
  }

  #lineage({ origin, supervisor: { pane } }: DelegateToParams) {
    const { registrar, owners, host } = this.#with;
    return lineageOf({ host, pane, parent: owners.parentOf(origin) }, (id) => registrar.held(id));
  }

  async #promptOf({ prompt, prompt_spool: spool }: DelegateToParams): Promise<string> {
    return checkPrompt(spool === undefined ? prompt : await takeSpool(this.#with.home, spool));
  }

  #unconfirmed(job: LiveJob, host: string, repeated: boolean): DelegateResult {
    const evidence = `${host} has not confirmed it`;
    const entry = { stage: UNCONFIRMED, at: job.record.created_at, evidence };
    return this.#resultOf(job, { repeated, delivery: [entry] });
  }

  #resultOf(job: LiveJob, receipt: Partial<DelegateResult>): DelegateResult {
    const { record } = job;
    const host = record.home?.host;
    const { delivery } = record;
    return { repeated: false, delivery, position: 0, behind: [], warnings: [], ...receipt, record, host };
  }
}
