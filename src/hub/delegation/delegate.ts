import { existsSync } from 'node:fs';
import { builtIn } from '../../agents/index.ts';
import { explain, MamError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { identify } from '../../base/process-id.ts';
import { sha256 } from '../../base/sha256.ts';
import { cleanLine } from '../../base/text.ts';
import { dropSpool, takeSpool } from '../../bus/spool/spool.ts';
import { needsAttention } from '../../job/apply.ts';
import { draftEvent } from '../../job/event.ts';
import type { AgentSession, JobOrder } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { StartParams } from '../../operations/agent-request.ts';
import type { DelegateParams, DelegateResult, PreviewResult } from '../../operations/request.ts';
import { composeJob } from '../../order/compose-job.ts';
import { checkPrompt, dropLogFolder, makeLogFolder } from '../../order/delegation-checks.ts';
import { orderText } from '../../order/order-text.ts';
import { restorePrompt } from '../../order/prompt-file.ts';
import { peerServer } from '../../registry/announcements.ts';
import type { Home } from '../../registry/home.ts';
import { unseenAgent } from '../../tmux/process.ts';
import { lostSocket } from '../../tmux/server-life.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { Changes } from '../jobs/changes.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { PaneOwners } from '../panes/pane-owners.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { launchAgent, letGo } from '../sessions/agent-start.ts';
import { type Plan, planDelegation } from './delegation-plan.ts';
import { showToHuman } from './human-job.ts';
import { checkLineage } from './lineage.ts';
import { findPlace, type Place } from './place.ts';
import { checkKept, wouldGive } from './preview.ts';
import { refuseHeld } from './refuse-busy.ts';
import { sharedFolder } from './shared-folder.ts';

const DETAIL_CHARS = 500;
/** A session that was started for a job is let go at the latest after this time, in ms. */
const STARTED_MS = 120_000;

/** A delegation is answered after this time even if the prompt is not submitted yet, in ms. */
const ANSWER_MS = 5_000;

/** Registers jobs and starts their way into a pane. */
export class Delegations {
  private readonly home: Home;
  private readonly host: string;
  readonly registrar: Registrar;
  readonly dispatcher: Dispatcher;
  readonly servers: TmuxServers;
  private readonly owners: PaneOwners;
  private readonly changes: Changes;
  private readonly log: Log;
  /** Delegations on their way, by their key: a call that is repeated meanwhile joins the first. */
  private readonly underWay = new Map<string, Promise<DelegateResult>>();

  constructor(options: {
    home: Home;
    host: string;
    registrar: Registrar;
    dispatcher: Dispatcher;
    servers: TmuxServers;
    owners: PaneOwners;
    changes: Changes;
    log: Log;
  }) {
    this.home = options.home;
    this.host = options.host;
    this.registrar = options.registrar;
    this.dispatcher = options.dispatcher;
    this.servers = options.servers;
    this.owners = options.owners;
    this.changes = options.changes;
    this.log = options.log;
  }

  /**
   * Registers a job and hands it over.
   * @returns when the prompt is submitted, when the job has to wait for its pane, or after 5 s
   * @throws MamError for anything that keeps the job from being registered; then there is no job
   */
  async delegate(params: DelegateParams): Promise<DelegateResult> {
    try {
      return await this.once(params);
    } finally {
      if (params.prompt_spool !== undefined) await dropSpool(this.home.folder, params.prompt_spool);
    }
  }

  /**
   * What `delegate` would do with this, by the same checks; registers, makes and types nothing.
   * @throws MamError as `delegate` would
   */
  async preview(params: DelegateParams): Promise<PreviewResult> {
    try {
      const known = existsSync(params.registry_dir) ? await this.known(params) : undefined;
      if (known !== undefined) return await this.repeated(known, params);
      const prompt = await this.promptOf(params);
      const plan = await planDelegation(this, params);
      await checkKept(this.registrar, params);
      return await wouldGive(this, params, prompt, plan, this.orderOf(params, prompt, plan));
    } finally {
      if (params.prompt_spool !== undefined) await dropSpool(this.home.folder, params.prompt_spool);
    }
  }

  private async once(params: DelegateParams): Promise<DelegateResult> {
    if (params.request_key === undefined) return this.register(params, await this.promptOf(params));
    const { session, place } = params.supervisor;
    // A new session of the same pane asks again while the call of the one before is still under way.
    const keys = [session, ...(place === undefined ? [] : [place])].map((scope) =>
      JSON.stringify([params.registry_dir, scope, params.request_key]),
    );
    const first = keys.map((key) => this.underWay.get(key)).find((one) => one !== undefined);
    if (first !== undefined) {
      const { record } = await first;
      return this.repeated(await this.registrar.find(record.job_id), params);
    }
    const result = this.byKey(params);
    for (const key of keys) this.underWay.set(key, result);
    return result.finally(() => {
      for (const key of keys) if (this.underWay.get(key) === result) this.underWay.delete(key);
    });
  }

  private async byKey(params: DelegateParams): Promise<DelegateResult> {
    const known = await this.known(params);
    if (known === undefined) return this.register(params, await this.promptOf(params));
    return this.repeated(known, params);
  }

  /** The job that was delegated with the same key. */
  private async known(params: DelegateParams): Promise<LiveJob | undefined> {
    if (params.request_key === undefined) return undefined;
    const index = await this.registrar.index(params.registry_dir);
    const id = index.findByKey(params.supervisor, params.request_key);
    const job = id && (await this.registrar.find(id, params.registry_dir));
    // A job that came with a clone may name any key.
    return job && !job.isHistory ? job : undefined;
  }

  private async repeated(job: LiveJob, params: DelegateParams): Promise<DelegateResult> {
    const prompt = await this.promptOf(params).catch((error: unknown) => {
      // The job was made from this very file: the request itself came twice.
      if (error instanceof MamError && error.code === 'not_found') return undefined;
      throw error;
    });
    if (prompt !== undefined && job.record.prompt_sha256 !== sha256(prompt)) {
      throw new MamError(
        'conflict',
        `The request_key was used for job ${job.id}, which has another prompt.`,
        'Use another request_key for another job.',
      );
    }
    if (prompt !== undefined)
      await restorePrompt(job, prompt).catch((error) => this.log.error(`task of ${job.id}`, error));
    return this.result(job, true, []);
  }

  private async register(params: DelegateParams, prompt: string): Promise<DelegateResult> {
    const plan = await planDelegation(this, params);
    await this.registrar.ready(params.registry_dir);
    if (plan.start !== undefined) return this.registerAndStart(params, prompt, plan, plan.start);
    const { place } = plan;
    if (place === undefined) return this.registerForHuman(params, prompt, plan);
    // From here to the queue nothing waits: of two jobs for one pane, the second one sees the first.
    if (params.on_busy === 'refuse') refuseHeld(this.dispatcher, place.session);
    const job = this.create(params, prompt, plan);
    // The way into the pane begins while the disk is busy; nothing is typed before all is kept.
    this.dispatcher.enqueue(job, place.glance);
    try {
      await job.kept;
    } catch (error) {
      this.dispatcher.forget(job);
      throw error;
    }
    return this.answer(job);
  }

  /** Answers when the prompt is submitted, when something keeps it from its pane, or in time. */
  private async answer(job: LiveJob): Promise<DelegateResult> {
    // What is only passing, such as the start of an agent, is no obstacle to tell of.
    await this.changes.until(
      job,
      ({ record }) =>
        record.status !== 'queued' ||
        record.blocked_by === 'busy' ||
        needsAttention(record) ||
        (this.position(job) > 0 && (record.behind !== undefined || !this.isBehindStuck(job))),
      ANSWER_MS,
    );
    return this.result(job, false, sharedFolder(job.record, this.registrar.open));
  }

  /**
   * Registers a job and starts its agent, which gets the order on its command line where it takes one there. The job is
   * on disk before anything is started.
   */
  private async registerAndStart(
    params: DelegateParams,
    prompt: string,
    plan: Plan,
    start: StartParams,
  ): Promise<DelegateResult> {
    const job = this.create(params, prompt, plan);
    job.uncork();
    await job.kept;
    const argument = job.record.typing?.argument === true;
    if (argument) {
      const evidence = 'given to the agent on its command line';
      await this.registrar.record(job, draftEvent(job.id, 'pasting', { data: { evidence } }));
    }
    let place: Pick<Place, 'session' | 'process'>;
    try {
      place = await this.launch(start, argument ? orderText(job.record, job.paths.prompt) : undefined);
      void this.settleStarted(job, place.session);
    } catch (error) {
      // Another job has started it in the same moment: this one is typed, as to any agent that runs.
      const other = await findPlace(this.servers, params).catch(() => undefined);
      if (other === undefined) {
        await this.registrar.note(job, 'delivery_failed', {
          detail: cleanLine(explain(error), DETAIL_CHARS),
        });
        return this.result(job, false, []);
      }
      place = other;
      await this.registrar.note(job, 'blocked', { data: { by: 'not_ready' } });
    }
    const settled = { agent_session: place.session, agent_process: place.process };
    await this.registrar.record(job, draftEvent(job.id, 'queued', { data: settled }));
    this.dispatcher.enqueue(job);
    return this.answer(job);
  }

  private async launch(
    start: StartParams,
    prompt: string | undefined,
  ): Promise<Pick<Place, 'session' | 'process'>> {
    const { session, pane_pid } = await launchAgent(this.servers, this.home.folder, start, prompt);
    const sees = this.servers.get(session.socket).seesProcesses;
    const command = start.agent;
    return {
      session,
      process: {
        ...(sees ? { ...identify(pane_pid), command } : unseenAgent({ pane_pid, command })),
        pane_pid,
      },
    };
  }

  /** Once its order is taken, or never will be, a session that was started for a job lives and ends as any other. */
  private async settleStarted(job: LiveJob, session: AgentSession): Promise<void> {
    await this.changes.until(job, ({ record }) => record.status !== 'queued', STARTED_MS);
    const server = this.servers.get(session.socket);
    await letGo(server, session, job.record.agent_process, isFinal(job.record.status)).catch((error) =>
      this.log.error(`session ${session.session} of ${job.id}`, error),
    );
  }

  /** A job for a person: nothing is typed, and its clocks run from now on. */
  private async registerForHuman(
    params: DelegateParams,
    prompt: string,
    plan: Plan,
  ): Promise<DelegateResult> {
    const { tmux_socket: socket, agent_session: address } = params;
    const job = this.create(params, prompt, plan);
    this.dispatcher.enqueue(job);
    await job.kept;
    const evidence = await showToHuman(this.servers, socket, address, job).catch(explain);
    await this.registrar.note(job, 'submitted', { data: { evidence } });
    return this.result(job, false, sharedFolder(job.record, this.registrar.open));
  }

  private create(params: DelegateParams, prompt: string, plan: Plan): LiveJob {
    const order = this.orderOf(params, prompt, plan);
    if (params.logs_dir === undefined) return this.registrar.create(order, prompt);
    makeLogFolder(order.log_dir);
    try {
      const job = this.registrar.create(order, prompt);
      job.kept.catch(() => dropLogFolder(order.log_dir));
      return job;
    } catch (error) {
      dropLogFolder(order.log_dir);
      throw error;
    }
  }

  /** @throws MamError `refused` for a job that a runaway may have made; right before the job is, so that two at once count */
  private orderOf(params: DelegateParams, prompt: string, plan: Plan): JobOrder {
    const { place, start } = plan;
    const peer_server = place
      ? peerServer(this.home.servers, place.session, place.process.pane_pid)
      : ('unknown' as const);
    const parent = this.owners.parentOf(params.origin);
    const { open } = this.registrar;
    checkLineage(params, place?.session, { open, parent, job: (id) => this.registrar.held(id) });
    const from = { params, prompt, ...plan, parent: parent?.record, host: this.host, peer_server };
    const order = composeJob(from);
    if (start === undefined) return order;
    const argument = builtIn(params.agent)?.start?.takesPrompt === true;
    return { ...order, typing: { ...order.typing, mam: params.mam_command, started: true, argument } };
  }

  private async promptOf({ prompt, prompt_spool: spool }: DelegateParams): Promise<string> {
    return checkPrompt(spool === undefined ? prompt : await takeSpool(this.home.folder, spool));
  }

  private queueOf({ record: { agent_session: session } }: LiveJob): LiveJob[] {
    return session === undefined ? [] : this.dispatcher.ahead(session.socket, session.pane);
  }

  /** True where the job that has the pane needs somebody: the one behind it is about to say so. */
  private isBehindStuck(job: LiveJob): boolean {
    const [holder] = this.queueOf(job);
    return holder !== undefined && holder !== job && needsAttention(holder.record);
  }

  private position(job: LiveJob): number {
    return Math.max(0, this.queueOf(job).indexOf(job));
  }

  private result(job: LiveJob, repeated: boolean, warnings: string[]): DelegateResult {
    const { record } = job;
    const position = this.position(job);
    const behind = this.queueOf(job).slice(0, position);
    const ids = behind.map(({ id }) => id);
    const { agent_session: session } = record;
    const lost = session && lostSocket(session.socket);
    const all = lost === undefined ? warnings : [...warnings, lost];
    return { record, repeated, delivery: record.delivery, position, behind: ids, warnings: all };
  }
}
