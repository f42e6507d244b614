import type { Log } from '../../base/log.ts';
import type { HookReport } from '../../job/hook.ts';
import type { HookParams, HookResult } from '../../operations/request.ts';
import type { Changes } from '../jobs/changes.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { type PaneOwners, pidsOf } from '../panes/pane-owners.ts';
import type { Decisions } from '../permissions/decisions.ts';
import type { Permissions } from '../permissions/permissions.ts';
import type { PaneWatch } from './pane-watch.ts';
import type { Turns } from './turns.ts';

/** How long (ms) the end of a turn waits for the proof that it had begun. */
const SUBMIT_MS = 2_000;

/** What ends a permission request, if one is open. */
const SETTLING: readonly HookReport['type'][] = [
  'permission_settled',
  'tool_used',
  'turn_ended',
  'interrupted',
  'api_error',
];

/** What the hooks of agents tell, for the job that their pane has: second evidence, never a completion. */
export class Hooks {
  private readonly registrar: Registrar;
  private readonly owners: PaneOwners;
  private readonly permissions: Permissions;
  private readonly decisions: Decisions;
  private readonly turns: Turns;
  private readonly watch: PaneWatch;
  private readonly changes: Changes;
  private readonly log: Log;
  /** The turn in which each job's newest prompt was taken, where the agent's turns have ids. */
  private readonly turnOf = new WeakMap<LiveJob, string>();

  constructor(options: {
    registrar: Registrar;
    owners: PaneOwners;
    permissions: Permissions;
    decisions: Decisions;
    turns: Turns;
    watch: PaneWatch;
    changes: Changes;
    log: Log;
  }) {
    this.registrar = options.registrar;
    this.owners = options.owners;
    this.permissions = options.permissions;
    this.decisions = options.decisions;
    this.turns = options.turns;
    this.watch = options.watch;
    this.changes = options.changes;
    this.log = options.log;
  }

  /** @returns a decision only for a permission request of a hook that waits, once somebody has decided */
  async take(params: HookParams): Promise<HookResult> {
    const { report, origin } = params;
    const job = this.owners.openJobOf(origin);
    if (job === undefined) return {};
    this.watch.hears(job);
    if (report.type === 'submitted') this.begun(job, report);
    if (await this.isEarlier(job, report)) return {};
    this.decisions.heard(job, report, pidsOf(origin)[0]);
    const effect = SETTLING.includes(report.type) ? this.decisions.effect(job) : undefined;
    if (effect === undefined) return this.told(job, params);
    // Told of a decision's effect, and not settled in the pane. Some agents show it only when their hook has ended.
    effect
      .then(() => this.told(job, params))
      .catch((error) => this.log.error(`what a hook told of ${job.id}`, error));
    return {};
  }

  private begun(job: LiveJob, { text = '', turn_id }: HookReport): void {
    const ours = text.includes(job.id) || this.turnOf.has(job);
    if (!ours || turn_id === undefined) return;
    this.turnOf.set(job, turn_id);
    this.changes.tell(job);
  }

  /** True for the end of a turn before the job's: its hook may be heard after the job's prompt was taken. */
  private async isEarlier(job: LiveJob, { type, turn_id }: HookReport): Promise<boolean> {
    if ((type !== 'turn_ended' && type !== 'interrupted') || turn_id === undefined) return false;
    await this.changes.until(job, () => this.turnOf.has(job), SUBMIT_MS);
    return this.turnOf.has(job) && this.turnOf.get(job) !== turn_id;
  }

  private async told(job: LiveJob, { report, origin, waits }: HookParams): Promise<HookResult> {
    switch (report.type) {
      case 'submitted':
        await this.submitted(job, report);
        break;
      case 'permission_required':
        this.watch.lookOften(job);
        return this.permissions.asked(job, report, waits === true ? pidsOf(origin)[0] : undefined);
      case 'permission_settled':
        this.permissions.settled(job, report.call_id, pidsOf(origin)[0]);
        break;
      case 'tool_used':
        this.permissions.toolUsed(job, report);
        break;
      case 'turn_ended':
        // A quick turn may be over before its submission is proven.
        await this.changes.until(job, ({ record }) => record.status !== 'queued', SUBMIT_MS);
        this.permissions.turnEnded(job);
        // What still runs in the background will begin a turn of its own.
        if (report.background !== true) this.turns.ended(job, report.text ?? '', 'hook');
        break;
      case 'interrupted':
        this.permissions.turnEnded(job);
        this.turns.interrupted(job);
        break;
      case 'api_error':
        this.permissions.turnEnded(job);
        this.turns.failed(job, `The model's service failed: ${report.text ?? 'no reason given'}`);
        break;
      case 'rate_limited':
        await this.registrar.note(job, 'rate_limited', {
          source: 'hook',
          detail: report.text ?? 'The usage limit is reached.',
          data: { ...(report.resume_at !== undefined && { resume_at: report.resume_at }) },
        });
        break;
      default:
        break;
    }
    return {};
  }

  /** The agent has taken a prompt: ours, when it names the job, else somebody's who goes on with it by hand. */
  private async submitted(job: LiveJob, { text = '' }: HookReport): Promise<void> {
    const evidence = "the agent's hook has the prompt";
    const ours = text.includes(job.id);
    if (ours && job.record.status === 'queued')
      await this.registrar.note(job, 'submitted', { data: { evidence } });
    if (ours && !job.record.delivery.some((entry) => entry.stage === 'acknowledged')) {
      await this.registrar.note(job, 'acknowledged', { data: { evidence } });
    }
    if (job.record.attention.length > 0) {
      await this.registrar.note(job, 'resumed', {
        detail: 'A prompt was submitted in the pane.',
        data: { turn: true },
      });
    }
  }
}
