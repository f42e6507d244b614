import { kindNames, resolveKind } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { newEventId } from '../../base/ids.ts';
import { dropSpool, isLong, spoolPrompt, spoolText } from '../../bus/spool/spool.ts';
import { openCheckRequest } from '../../job/check.ts';
import type { Claim } from '../../job/claim.ts';
import { LIMITS } from '../../job/limits.ts';
import { openRequests } from '../../job/open-requests.ts';
import type { Owner } from '../../job/owner.ts';
import type { JobRecord } from '../../job/record.ts';
import { openLink } from '../../link/client.ts';
import { checkHub, ensureHub } from '../../link/ensure-hub.ts';
import { tellSeen } from '../../link/hold.ts';
import type { Link } from '../../link/link.ts';
import { parseCursor, waitForJobs } from '../../link/waiter.ts';
import type { KnownKind } from '../../operations/agents.ts';
import type { DelegateParams, PreviewResult } from '../../operations/delegate.ts';
import type { ClaimOutcome } from '../../operations/publish.ts';
import { type Command, type Commands, ELSEWHERE_MS, type LogMessage } from '../../operations/request.ts';
import type { StatusResult } from '../../operations/status.ts';
import { VERDICT_MARGIN_MS, type VerifyParams } from '../../operations/verify.ts';
import type { WaitAnswer, WaitRequest } from '../../operations/wait.ts';
import { previewOrWhy } from '../../order/preview.ts';
import type { Settings } from '../../settings/config.ts';
import { askerSettings } from '../../settings/program.ts';
import type { Engine, Report } from '../../tool/tool.ts';
import { ownJobs } from './own-jobs.ts';

/** How long a delegation may take, in ms: its own 5 s, plus the start of a hub. */
const DELEGATE_TIMEOUT_MS = 20_000;
/** How long a start may take, in ms: an agent may need 45 s to become ready. */
const START_TIMEOUT_MS = 55_000;
/** Requests with a prompt, which may be long. */
const WITH_PROMPT: readonly Command[] = ['delegate', 'preview', 'delegate_to'];
const TIMEOUTS: Partial<Record<Command, number>> = {
  delegate: DELEGATE_TIMEOUT_MS,
  preview: DELEGATE_TIMEOUT_MS,
  start: START_TIMEOUT_MS,
  delegate_to: ELSEWHERE_MS,
  ask_host: ELSEWHERE_MS,
};

/** The server's connection to the hub: the engine for tools, and the source of events. */
export class HubConnection implements Engine {
  private readonly now: () => Promise<Settings>;
  private given: Settings;
  private all: Settings;
  settings: Engine['settings'];
  private link: Link | undefined;
  /** By job id: the open permission request that the client saw last. */
  private readonly shownRequests = new Map<string, string>();
  private delegated: (() => void) | undefined;
  private waited: ((jobIds: readonly string[]) => void) | undefined;
  private readonly waits = new Set<ReadonlySet<string>>();

  /** Connects and starts nothing before the first request. */
  constructor(settings: Settings, now: () => Promise<Settings>) {
    this.now = now;
    this.given = settings;
    this.all = settings;
    this.settings = askerSettings(settings);
  }

  /** The realm that it started with. */
  get realm(): string {
    return this.all.realm;
  }

  /** Applies the current settings, except for the realm. */
  async renew(): Promise<void> {
    const settings = await this.now();
    if (settings === this.given) return;
    this.given = settings;
    this.all = { ...settings, realm: this.realm };
    this.settings = askerSettings(this.all);
  }

  kind(name: string): KnownKind {
    return resolveKind(name, this.all);
  }

  async request<C extends Command>(
    command: C,
    params: Commands[C]['params'],
  ): Promise<Commands[C]['result']> {
    const job = WITH_PROMPT.includes(command) ? (params as DelegateParams) : undefined;
    const ask = async () => {
      checkHub(this.all);
      const sent = job === undefined ? params : await spoolPrompt(this.all.home, job);
      return this.connection().request(command, sent as Commands[C]['params'], timeoutOf(command, params));
    };
    if (command === 'preview' && job !== undefined)
      return previewOrWhy(ask as () => Promise<PreviewResult>, job, this.all.host) as ReturnType<typeof ask>;
    const result = await ask();
    if (command === 'status') this.note((result as StatusResult).record);
    if (command === 'delegate' || command === 'delegate_to') this.delegated?.();
    return result;
  }

  /** True while connected; it connects on first use. */
  get connected(): boolean {
    return this.link?.connected === true;
  }

  get kinds(): string[] {
    return kindNames(this.all.agents);
  }

  /** Like `request`, for answers that no model sees: `shownRequest` does not change. */
  async peek<C extends Command>(command: C, params: Commands[C]['params']): Promise<Commands[C]['result']> {
    checkHub(this.all);
    return this.connection().request(command, params);
  }

  /** The same engine for tools whose answers a model may never see: it uses `peek` and marks nothing as seen. */
  get aside(): Engine {
    const request: Engine['request'] = (command, params) =>
      this.peek(command, { ...params, seen_by: undefined });
    return Object.create(this, { request: { value: request } });
  }

  /** Calls `listener` with events of one job or all, and without one after each connection. @returns ends that */
  hear(jobId: string | undefined, listener: (message?: LogMessage) => void): () => void {
    const link = this.connection();
    const { host } = this.all;
    const ends = [
      jobId === undefined ? link.followAll(host, listener) : link.follow(jobId, host, listener),
      link.onConnect(() => listener()),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  /** Calls `listener` after this server has delegated a job. */
  onDelegated(listener: () => void): void {
    this.delegated = listener;
  }

  /** Calls `listener` with the job ids of each wait of the client that has ended, for whatever reason. */
  onWaited(listener: (jobIds: readonly string[]) => void): void {
    this.waited = listener;
  }

  waitsFor(jobId: string): boolean {
    return [...this.waits].some((jobIds) => jobIds.has(jobId));
  }

  async whole(jobId: string): Promise<string> {
    if (this.shownRequests.has(jobId)) return jobId;
    const { record } = await this.peek('status', {
      job_id: jobId,
      registry_dir: this.settings.registryDir,
    });
    return record.job_id;
  }

  shownRequest(jobId: string): string | undefined {
    return this.shownRequests.get(jobId);
  }

  /** Notes which of a job's requests the client was shown: its answer refers to that one. */
  private note(record: JobRecord): void {
    const [permission] = openRequests(record, 'permission');
    const decidable = permission ?? openCheckRequest(record);
    if (decidable === undefined) this.shownRequests.delete(record.job_id);
    else this.shownRequests.set(record.job_id, decidable.request_id);
  }

  async report(report: Report): Promise<ClaimOutcome> {
    const { result, ...rest } = report;
    const long = result !== undefined && isLong(result);
    const claim: Claim = {
      ...rest,
      event_id: report.event_id ?? newEventId(),
      source: 'peer',
      at: new Date().toISOString(),
      ...(long && { result_spool: await spoolText(this.all.home, result) }),
      ...(!long && result !== undefined && { result }),
    };
    try {
      return await this.connection().claim(claim);
    } catch (error) {
      // It was never sent, so nobody will fetch its text.
      if (claim.result_spool !== undefined && error instanceof MamError && error.code === 'bad_input')
        await dropSpool(this.all.home, claim.result_spool);
      throw error;
    }
  }

  async wait(request: WaitRequest): Promise<WaitAnswer> {
    checkHub(this.all);
    // Checked even if there is nothing to wait for.
    const places = parseCursor(request.cursor);
    const jobIds =
      request.job_ids.length > 0
        ? request.job_ids
        : await ownJobs(this.connection(), this.all.registryDir, request, places);
    if (jobIds.length === 0) {
      const nothing = { jobs: [], unseen: [], events: [], events_left_out: 0 };
      return { outcome: 'final', ...nothing, cursor: request.cursor ?? '' };
    }
    if (request.job_ids.length === 0) request.onFound?.(jobIds);
    const waited = new Set(jobIds);
    this.waits.add(waited);
    const { host, registryDir } = this.all;
    const where = { link: this.connection(), host, registryDir };
    // The ids may be parts of whole ones.
    const onBegin = ({ job_id }: JobRecord): void => void waited.add(job_id);
    return waitForJobs({ ...request, ...where, owner: request, jobIds, onBegin }).finally(() => {
      this.waits.delete(waited);
      this.waited?.([...waited]);
    });
  }

  shown(jobs: JobRecord[], owner: Owner): void {
    for (const job of jobs) this.note(job);
    tellSeen(this.connection(), this.all.registryDir, owner, jobs);
  }

  async close(): Promise<void> {
    await this.link?.close();
  }

  private connection(): Link {
    this.link ??= openLink(this.all, async () => {
      await this.renew();
      await ensureHub(this.all);
    });
    return this.link;
  }
}

function timeoutOf(command: Command, params: unknown): number | undefined {
  if (command !== 'verify') return TIMEOUTS[command];
  // Without an explicit limit, the job's applies, which only the hub knows.
  const { validate_timeout_seconds: seconds = LIMITS.timeoutSeconds } = params as VerifyParams;
  return seconds * 1000 + VERDICT_MARGIN_MS;
}
