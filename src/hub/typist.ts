import { setTimeout as sleep } from 'node:timers/promises';
import { clearKeysOf, lookFor } from '../agents/index.ts';
import { isFinal } from '../job/words.ts';
import { clearOwnText } from '../tmux/clear.ts';
import type { TmuxServer } from '../tmux/control.ts';
import {
  type DeliveryEnd,
  type DeliverySteps,
  deliver,
  type Look,
  type Obstacle,
  preflight,
  type Target,
} from '../tmux/deliver.ts';
import { PLACEHOLDER } from '../tmux/own-text.ts';
import { type Shot, shoot } from '../tmux/screen.ts';
import { standing } from '../tmux/standing.ts';
import { hasUnread } from '../tmux/unread.ts';
import type { LiveJob } from './live-job.ts';
import { type Announced, hashOf, type Known, type PaneTexts } from './pane-texts.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** A text is gone when two looks so long (ms) apart do not show it: programs redraw. */
const GONE_MS = 300;
/** So long (ms) a text that was just pasted may take to come up, and one that was cleared to leave. */
const SHOWN_MS = 1_000;
const LOOK_MS = 30;
const AWAIT_AGAIN_MS = 3_000;
/** A text that its program has read and never shown counts as thrown away after so long (ms) since its paste. */
const THROWN_AWAY_MS = 60_000;
/** The key that empties the box is pressed no sooner than this again (ms): agents end on some keys that come twice. */
const CLEAR_AGAIN_MS = 10_000;

/** What is typed, and where. */
export interface Errand {
  target: Target;
  look: Look;
  /** With the text, and what has to be known of it later. */
  announced: Announced;
  steps: DeliverySteps;
  /** A look at the pane that was taken just now. */
  glance?: Shot | undefined;
}

/**
 * Types texts of every kind into panes: one at a time. What was pasted and not submitted is known until it is seen to be
 * gone, and while it may stand there nothing else is pasted.
 */
export class Typist {
  private readonly texts: PaneTexts;
  private readonly servers: TmuxServers;
  private readonly jobOf: (jobId: string) => LiveJob | undefined;

  /** @param options.jobOf a job in memory, as every open one is */
  constructor(options: {
    texts: PaneTexts;
    servers: TmuxServers;
    jobOf: (jobId: string) => LiveJob | undefined;
  }) {
    this.texts = options.texts;
    this.servers = options.servers;
    this.jobOf = options.jobOf;
  }

  /** Hands a text over, as `deliver`. @throws what `steps.pasting` throws; the system's error where it can't be noted */
  async type({ target, look, announced, steps, glance }: Errand): Promise<DeliveryEnd> {
    const server = this.servers.get(announced.socket);
    const left = this.texts.at(target);
    if (left.length > 0) {
      const obstacle = await this.settle(server, target, look, left, steps.stop);
      if (obstacle !== undefined) return { kind: 'blocked', obstacle };
    }
    let own: Known | undefined;
    let end: DeliveryEnd | undefined;
    let placeholder: string | undefined;
    const others = this.texts.marksGone(target);
    const noted: DeliverySteps = {
      ...steps,
      pasting: (shot) => {
        // Both are on their way before either is waited for.
        own = this.texts.add(target, shot, announced);
        return steps.pasting(shot);
      },
      visible: (evidence, mark) => {
        if (own !== undefined) this.texts.noteSeen(own);
        if (mark !== undefined && PLACEHOLDER.test(mark)) placeholder = mark;
        steps.visible(evidence);
      },
    };
    try {
      const first = left.length > 0 ? undefined : glance;
      end = await deliver(server, target, announced.text, { ...look, others }, noted, first);
    } finally {
      // Whoever could not announce it has pasted nothing.
      if (own !== undefined && (end === undefined || isOut(end))) this.texts.drop(own);
    }
    if (own === undefined || isOut(end)) return end;
    if (end.kind === 'gone') this.texts.sweep();
    else if (end.kind === 'stopped' && !this.isWanted(own))
      await this.leave(server, target, own, placeholder);
    return end;
  }

  /** A job has ended: what of it was pasted and not submitted is taken out of its pane, where that is safe. */
  async leaveOf({ id, record }: LiveJob): Promise<void> {
    const { agent_session: session, agent_process: agent } = record;
    if (session === undefined || agent === undefined) return;
    const target: Target = { pane: session.pane, pane_pid: agent.pane_pid, agent };
    for (const own of this.texts.at(target))
      if (own.jobs.includes(id) && !this.isWanted(own) && Date.now() - own.awaitedAt > AWAIT_AGAIN_MS)
        await this.leave(this.servers.get(session.socket), target, own);
  }

  /** True when something of a job was pasted and not seen submitted. */
  has(jobId: string): boolean {
    return this.texts.of(jobId).length > 0;
  }

  /**
   * The text that a dead hub was about to submit.
   * @returns nothing when none is known at the pane, `others` when another one may stand there
   */
  only(target: Target, isIt: (one: Known) => boolean): Known | 'others' | undefined {
    const all = this.texts.at(target);
    return all.every(isIt) ? all[0] : 'others';
  }

  /** It was submitted after all. */
  submitted(own: Known): void {
    this.texts.drop(own);
  }

  /** True for what may still be sent: by a person, or by the next hub. */
  private isWanted({ what, jobs }: Known): boolean {
    if (what === 'line') return true;
    const record = this.jobOf(jobs[0] ?? '')?.record;
    if (record === undefined || isFinal(record.status)) return false;
    return what !== 'order' || record.submitted_at === undefined;
  }

  /** @param placeholder that was seen for the text a moment ago: later it may be a person's */
  private async leave(server: TmuxServer, target: Target, own: Known, placeholder?: string): Promise<void> {
    own.awaitedAt = Date.now();
    for (const end = own.awaitedAt + SHOWN_MS; Date.now() < end; await sleep(LOOK_MS)) {
      const shot = await shoot(server, target.pane).catch(() => undefined);
      if (shot === undefined || shot.pane_pid !== own.pane_pid) break;
      if (standing(shot, { ...own, placeholder }) === 'none') continue;
      this.texts.noteSeen(own);
      await this.clear(server, target, own, placeholder);
      return;
    }
    this.texts.sweep();
  }

  /** Makes room for another text. @returns what stands in its way */
  private async settle(
    server: TmuxServer,
    target: Target,
    look: Look,
    left: Known[],
    stop: AbortSignal,
  ): Promise<Obstacle | undefined> {
    for (const own of left) {
      const obstacle = await this.inTheWay(server, target, look, own, stop);
      if (obstacle !== undefined) return obstacle;
    }
    return undefined;
  }

  private async inTheWay(
    server: TmuxServer,
    target: Target,
    look: Look,
    own: Known,
    stop: AbortSignal,
  ): Promise<Obstacle | undefined> {
    const shot = await shoot(server, target.pane);
    // The delivery itself will say so.
    if (shot === undefined || shot.pane_pid !== own.pane_pid) return undefined;
    const where = standing(shot, own);
    if (where !== 'none') {
      this.texts.noteSeen(own);
      const isOpenOrder = own.what === 'order' && this.isWanted(own);
      if (where === 'alone' && !isOpenOrder && (await this.clear(server, target, own))) return undefined;
      return inTheBox(own, where);
    }
    if (!own.seen && !(await this.wasRead(server, own, shot))) return inTheBox(own, 'unseen');
    const free = await preflight(server, target, look);
    if ('obstacle' in free) return free.obstacle;
    if ('gone' in free) return undefined;
    await sleep(GONE_MS, undefined, { signal: stop }).catch(() => {});
    const again = await shoot(server, target.pane);
    if (stop.aborted || again === undefined || standing(again, own) !== 'none') return inTheBox(own, 'part');
    this.texts.takeForGone(own);
    return undefined;
  }

  /** True when a text that was never seen can't come up any more, as far as can be told. */
  private async wasRead(server: TmuxServer, own: Known, shot: Shot): Promise<boolean> {
    const hasMoved = hashOf(shot) !== own.screen;
    const isOld = Date.now() - Date.parse(own.at) > THROWN_AWAY_MS;
    if (!hasMoved && !isOld) return false;
    const unread = await hasUnread(server, own.pane);
    return unread === false || (unread === undefined && hasMoved);
  }

  /** @returns true when the text has left the box */
  private async clear(
    server: TmuxServer,
    target: Target,
    own: Known,
    placeholder?: string,
  ): Promise<boolean> {
    const pasted = { ...own, placeholder };
    const keys = clearKeysOf(own.agent, own.typing, own.text);
    if (keys === undefined || Date.now() - own.clearedAt < CLEAR_AGAIN_MS) return false;
    const { patterns } = lookFor({ agent: own.agent, job_id: own.mark, typing: own.typing });
    if (!(await clearOwnText(server, target, pasted, keys, patterns))) return false;
    own.clearedAt = Date.now();
    for (const end = Date.now() + SHOWN_MS; Date.now() < end; await sleep(LOOK_MS)) {
      const shot = await shoot(server, target.pane);
      if (shot === undefined || standing(shot, pasted) !== 'none') continue;
      this.texts.takeForGone(own);
      return true;
    }
    return false;
  }
}

/** True when nothing of the text is left in the box. */
function isOut(end: DeliveryEnd): boolean {
  return end.kind === 'submitted' || end.kind === 'blocked' || (end.kind === 'stopped' && !end.stands);
}

const TITLES = { order: 'order', messages: 'message', reminder: 'reminder', line: 'line' } as const;

/** Why nothing is pasted, with what to do about it. */
function inTheBox(own: Known, where: 'alone' | 'part' | 'unseen'): Obstacle {
  return { by: 'draft', evidence: evidenceOf(own, where), isOurs: true };
}

function evidenceOf({ jobs, what, at }: Known, where: 'alone' | 'part' | 'unseen'): string {
  const ours = `our own ${TITLES[what]} for job ${jobs.join(', ')}`;
  if (where === 'alone') return `${ours} stands in the input box and was not submitted. Remove it there.`;
  if (where === 'part')
    return `a part of ${ours} stands in the input box, changed or beside other words: it is a draft now, and is left as it is. Send it or remove it there.`;
  return `${ours} was pasted at ${at} and not seen since: it may still come up there. Look into the pane, and remove it once it is there.`;
}
