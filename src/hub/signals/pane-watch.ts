import { screenOf } from '../../agents/index.ts';
import { awake } from '../../base/awake.ts';
import type { Log } from '../../base/log.ts';
import { isAtWork } from '../../job/attention.ts';
import { isFinal } from '../../job/words.ts';
import { classify, find, type Shot, shoot } from '../../tmux/screen.ts';
import { dialogOn } from '../dialogs/shown-dialog.ts';
import type { LiveJob, Recorded } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import type { Permissions } from '../permissions/permissions.ts';
import type { Turns } from './turns.ts';

/** How long (ms) a screen must be ready to mean the end of a turn; longer with hooks, which report it at once. */
const READY_MS = 3_000;
const READY_WITH_HOOKS_MS = 10_000;
/** The pause (ms) between a change of the pane and the look: drawing takes some time. */
const DRAWN_MS = 150;

/** tmux reports output in whole seconds: it never reports what is drawn later in a second that it has reported. */
const SECOND_MS = 1_000;
/** How much later (ms) than in tmux the system's clock may be read here. */
const LATE_MS = 50;
/** How often (ms) to look at a job whose agent has no hooks, whatever tmux reports. */
const SLOW_LOOK_MS = 30_000;

/** A hook reports a dialog before it is drawn, by up to this time (ms). */
const LOOK_OFTEN_MS = 150;
const LOOK_OFTEN_FOR_MS = 3_000;

/** A job's scheduled looks, and what is known about its agent; times on the clock of all time limits. */
interface Watch {
  due?: NodeJS.Timeout | undefined;
  /** The look after the end of the second in which the pane's window was last seen to change. */
  last?: NodeJS.Timeout;
  /** Since when its screen has been continuously ready. */
  readySince?: number | undefined;
  /** When something was last typed for it. */
  typedAt?: number;
  /** A hook of its agent has reported something. */
  isHooked?: boolean;
}

interface Parts {
  registrar: Registrar;
  servers: TmuxServers;
  permissions: Permissions;
  turns: Turns;
  log: Log;
}

/** Reads the screens of open jobs' agents when they change, to find dialogs and turns that ended without a report. */
export class PaneWatch {
  readonly #with: Parts;
  /** By job id. */
  readonly #watches = new Map<string, Watch>();
  #stopped = false;
  readonly #slow = setInterval(() => this.#lookSlowly(), SLOW_LOOK_MS).unref();

  constructor(parts: Parts) {
    this.#with = parts;
  }

  /** A hook of this job's agent has reported: it will report the end of the turn as well. */
  hears(job: LiveJob): void {
    this.#watchOf(job).isHooked = true;
  }

  /** A dialog is about to appear: looks often for some seconds. */
  lookOften(job: LiveJob): void {
    for (let ms = LOOK_OFTEN_MS; ms <= LOOK_OFTEN_FOR_MS; ms += LOOK_OFTEN_MS)
      setTimeout(() => this.#lookSoon(job, 0), ms).unref();
  }

  resume(job: LiveJob): void {
    this.#lookSoon(job, DRAWN_MS);
  }

  onPanes(socket: string): void {
    for (const job of this.#with.registrar.open) {
      const session = job.record.agent_session;
      if (session?.socket !== socket) continue;
      this.#lookSoon(job, DRAWN_MS);
      this.#lookWhenOver(job, (this.#with.servers.sample(socket, session.pane)?.window_activity ?? 0) * 1000);
    }
  }

  /** Looks once more at the end of the second in which the pane was reported to change. */
  #lookWhenOver(job: LiveJob, second: number): void {
    const watch = this.#watchOf(job);
    const left = second + SECOND_MS - Date.now();
    if (left < -LATE_MS) return;
    clearTimeout(watch.last);
    watch.last = setTimeout(() => this.#lookSoon(job, 0), Math.min(SECOND_MS, Math.max(0, left)) + DRAWN_MS);
  }

  /** Finds changes that everything else has missed: one command for each job, twice a minute. */
  #lookSlowly(): void {
    for (const job of this.#with.registrar.open)
      if (this.#watchOf(job).isHooked !== true) this.#lookSoon(job, 0);
  }

  onRecorded(job: LiveJob, { event, before, after }: Recorded): void {
    // A message or a reminder begins a turn, as the order did.
    if (event.type === 'submitted') this.#watchOf(job).typedAt = awake.now();
    if (isFinal(after.status)) {
      clear(this.#watches.get(job.id));
      this.#watches.delete(job.id);
    } else if (before?.status !== after.status || before.phase !== after.phase) this.#lookSoon(job, DRAWN_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#slow);
    for (const watch of this.#watches.values()) clear(watch);
    this.#watches.clear();
  }

  #lookSoon(job: LiveJob, ms: number): void {
    const { record } = job;
    if (this.#stopped || isFinal(record.status)) return;
    if (record.submitted_at === undefined || record.agent_session === undefined) return;
    if (screenOf(record.agent, record.typing).ready === undefined) return;
    const watch = this.#watchOf(job);
    if (watch.due !== undefined && ms > DRAWN_MS) return;
    clearTimeout(watch.due);
    watch.due = setTimeout(() => {
      watch.due = undefined;
      this.#lookAtPane(job, watch).catch((error) =>
        this.#with.log.error(`look at the pane of ${job.id}`, error),
      );
    }, ms);
  }

  #watchOf({ id }: LiveJob): Watch {
    const watch = this.#watches.get(id) ?? {};
    this.#watches.set(id, watch);
    return watch;
  }

  async #lookAtPane(job: LiveJob, watch: Watch): Promise<void> {
    const { record } = job;
    const session = record.agent_session;
    if (session === undefined || isFinal(record.status)) return;
    const shot = await shoot(this.#with.servers.get(session.socket), session.pane);
    if (shot === undefined || shot.dead || this.#stopped || isFinal(job.record.status)) return;
    if (await this.#with.permissions.seen(job, dialogOn(shot.lines, record))) this.#lookSoon(job, DRAWN_MS);
    this.#judgeTurn(job, watch, shot);
  }

  #judgeTurn(job: LiveJob, watch: Watch, { lines }: Shot): void {
    const { record } = job;
    const patterns = screenOf(record.agent, record.typing);
    const goesOn = find(lines, patterns.background) !== undefined;
    if (classify(lines, patterns) !== 'ready' || goesOn || !isAtWork(record)) {
      watch.readySince = undefined;
      return;
    }
    const now = awake.now();
    watch.readySince ??= now;
    // A peer that has just reported is in the middle of its turn, whatever its screen says.
    const { livedAt } = job.clock;
    const wanted = watch.isHooked === true ? READY_WITH_HOOKS_MS : READY_MS;
    const left = Math.max(watch.readySince, watch.typedAt ?? 0, livedAt) + wanted - now;
    if (left > 0) this.#lookSoon(job, left + DRAWN_MS);
    else {
      watch.readySince = undefined;
      this.#with.turns.ended(job, '', 'hub');
    }
  }
}

function clear(watch: Watch | undefined): void {
  clearTimeout(watch?.due);
  clearTimeout(watch?.last);
}
