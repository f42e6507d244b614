import type { Log } from '../../base/log.ts';
import type { Origin } from '../../job/claim.ts';
import type { HookReport } from '../../job/hook.ts';
import type { HookParams, HookResult } from '../../operations/housekeeping.ts';
import type { Changes } from '../jobs/changes.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { type PaneOwners, pidsOf } from '../panes/pane-owners.ts';
import type { Decisions } from '../permissions/decisions.ts';
import type { Permissions } from '../permissions/permissions.ts';
import type { PaneWatch } from './pane-watch.ts';
import type { Turns } from './turns.ts';

/** How long (ms) the end of a turn waits for the proof that the turn had begun. */
const SUBMIT_TIMEOUT_MS = 2_000;

interface Parts {
  registrar: Registrar;
  owners: Pick<PaneOwners, 'openJobOf'>;
  permissions: Permissions;
  decisions: Decisions;
  turns: Pick<Turns, 'ended' | 'interrupted' | 'failed'>;
  watch: Pick<PaneWatch, 'hears' | 'lookOften'>;
  changes: Changes;
  conversations: {
    heard(agent: string, report: HookReport, job: LiveJob | undefined): Promise<void>;
  };
  /** Hears of prompts that belong to no open job. */
  used: { tookPrompt(origin: Origin | undefined, text: string): Promise<void> };
  log: Log;
}

/** Takes what agents' hooks report about the job that has their pane: supporting evidence, never a completion. */
export class Hooks {
  readonly #with: Parts;
  /** The turn in which each job's newest prompt was taken, if the agent's turns have ids. */
  readonly #turnOf = new WeakMap<LiveJob, string>();

  constructor(parts: Parts) {
    this.#with = parts;
  }

  /** @returns a decision only for a waiting hook's permission request, once it was decided */
  async takeHook({ agent, report, origin, waits }: HookParams): Promise<HookResult> {
    const { owners, watch, permissions, decisions, conversations, used, log } = this.#with;
    const job = owners.openJobOf(origin);
    // The agent waits for its hook, so nothing is used before the beginning is recorded.
    await conversations.heard(agent, report, job);
    if (job === undefined) {
      if (report.type === 'submitted') await used.tookPrompt(origin, report.text ?? '');
      return {};
    }
    watch.hears(job);
    if (report.type === 'submitted') this.#begun(job, report);
    if (await this.#isEarlier(job, report)) return {};
    const [pid] = pidsOf(origin);
    if (report.type === 'permission_required') {
      watch.lookOften(job);
      return permissions.asked(job, report, waits === true ? pid : undefined);
    }
    const effect = endsTurn(report) ? decisions.effect(job) : undefined;
    permissions.signal(job, { type: 'told', report, pid });
    if (effect === undefined) await this.#told(job, report);
    // An end of the turn that a decision caused is judged after it. Some agents show it only when their hook has ended.
    else
      effect
        .then(() => this.#told(job, report))
        .catch((error) => log.error(`a hook's report on ${job.id}`, error));
    return {};
  }

  #begun(job: LiveJob, { text = '', turn_id }: HookReport): void {
    const ours = text.includes(job.id) || this.#turnOf.has(job);
    if (!ours || turn_id === undefined) return;
    this.#turnOf.set(job, turn_id);
    this.#with.changes.onRecorded(job);
  }

  /** True for the end of an earlier turn: its hook may report after the job's prompt was taken. */
  async #isEarlier(job: LiveJob, { type, turn_id }: HookReport): Promise<boolean> {
    if ((type !== 'turn_ended' && type !== 'interrupted') || turn_id === undefined) return false;
    await this.#with.changes.until(job, () => this.#turnOf.has(job), SUBMIT_TIMEOUT_MS);
    return this.#turnOf.has(job) && this.#turnOf.get(job) !== turn_id;
  }

  async #told(job: LiveJob, report: HookReport): Promise<void> {
    const { registrar, changes, turns } = this.#with;
    switch (report.type) {
      case 'submitted':
        await this.#submitted(job, report);
        break;
      case 'turn_ended':
        // A short turn may be over before its submission is proven.
        await changes.until(job, ({ record }) => record.status !== 'queued', SUBMIT_TIMEOUT_MS);
        // Work that is still running in the background will begin a new turn.
        if (report.background !== true) turns.ended(job, report.text ?? '', 'hook');
        break;
      case 'interrupted':
        turns.interrupted(job);
        break;
      case 'api_error':
        turns.failed(job, `The model's service failed: ${report.text ?? 'no reason given'}`);
        break;
      case 'rate_limited':
        await registrar.note(job, 'rate_limited', {
          source: 'hook',
          detail: report.text ?? 'The usage limit is reached.',
          data: { resume_at: report.resume_at },
        });
        break;
      default:
        break;
    }
  }

  /** The agent has taken a prompt: ours if it names the job, else that of a person who continues by hand. */
  async #submitted(job: LiveJob, { text = '' }: HookReport): Promise<void> {
    const { registrar } = this.#with;
    const evidence = "the agent's hook has the prompt";
    const ours = text.includes(job.id);
    if (ours && job.record.status === 'queued')
      await registrar.note(job, 'submitted', { data: { evidence } });
    if (ours && !job.record.delivery.some((entry) => entry.stage === 'acknowledged'))
      await registrar.note(job, 'acknowledged', { data: { evidence } });
    if (job.record.attention.length === 0) return;
    const detail = 'A prompt was submitted in the pane.';
    await registrar.note(job, 'resumed', { detail, data: { turn: true } });
  }
}

function endsTurn({ type }: HookReport): boolean {
  return type === 'turn_ended' || type === 'interrupted' || type === 'api_error';
}
