import { setTimeout as sleep } from 'node:timers/promises';
import { clearKeysOf, lookFor } from '../../agents/index.ts';
import { isFinal, NEW_CONVERSATION } from '../../job/words.ts';
import { clearOwnText } from '../../tmux/clear.ts';
import { hasUnread } from '../../tmux/commands.ts';
import type { TmuxServer } from '../../tmux/control.ts';
import { type Look, type Obstacle, type Place, preflight } from '../../tmux/deliver.ts';
import { boxOf, hasEmptyBox, hasLeft } from '../../tmux/has-left.ts';
import { ownFormOnScreen, unsent } from '../../tmux/own-form.ts';
import { locate } from '../../tmux/own-text.ts';
import { type Shot, shoot } from '../../tmux/screen.ts';
import { type Standing, standing } from '../../tmux/standing.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import { hasBeenSeen, hashOf, type Known, type PaneTexts } from './pane-texts.ts';

/** A text is gone when two looks this far apart (ms) do not show it: programs redraw. */
const GONE_MS = 300;
/** How long (ms) a pasted text may take to appear, and a cleared one to disappear. */
const SHOWN_MS = 1_000;
const SCREEN_POLL_MS = 30;
/** How long (ms) a text is not waited for again. */
const AWAIT_AGAIN_MS = 3_000;
/** When (ms) after its paste a text that its program has read and never shown counts as discarded. */
const THROWN_AWAY_MS = 30_000;
/** The same for a command that begins a new conversation: carried out twice, it does no harm. */
const COMMAND_THROWN_AWAY_MS = 1_000;
/** How long (ms) a box is not cleared again: the screen may not show the effect yet. */
const CLEAR_AGAIN_MS = 10_000;

/** Texts of ours that were pasted but not submitted: removed from their boxes if that is safe, else obstacles. */
export class Leftovers {
  readonly #texts: PaneTexts;
  readonly #jobOf: (jobId: string) => LiveJob | undefined;

  /** @param jobOf finds a job in memory, where every open one is */
  constructor(texts: PaneTexts, jobOf: (jobId: string) => LiveJob | undefined) {
    this.#texts = texts;
    this.#jobOf = jobOf;
  }

  /** Removes what is left of an ended job in its pane. */
  async leaveOf(place: Place, jobId: string): Promise<void> {
    for (const own of this.#texts.at(place.target))
      if (own.jobs.includes(jobId) && performance.now() - own.awaitedAt > AWAIT_AGAIN_MS)
        await this.leave(place, own);
  }

  /**
   * Removes a text from its box, unless a person may still send it. One that is not seen there is remembered.
   * @param placeholder just seen in its place: a later one may be a person's
   */
  async leave(place: Place, own: Known, placeholder?: string): Promise<void> {
    if (this.#isWanted(own)) return;
    own.awaitedAt = performance.now();
    for (const end = own.awaitedAt + SHOWN_MS; performance.now() < end; await sleep(SCREEN_POLL_MS)) {
      const shot = await shoot(place.server, own.pane).catch(() => undefined);
      if (shot === undefined || shot.pane_pid !== own.pane_pid) break;
      const where = standing(shot, { ...own, placeholder });
      this.#noteSeen(own, where);
      // Only a part of it may be drawn so far.
      if (where !== 'alone') continue;
      // The text is remembered, whatever tmux says.
      await this.#clear(place, own, placeholder).catch(() => false);
      return;
    }
    this.#texts.sweep();
  }

  /** Makes room in a pane for another text. @param look of that text @returns what is in its way */
  async makeRoom(place: Place, look: Look, stop: AbortSignal): Promise<Obstacle | undefined> {
    for (const own of this.#texts.at(place.target)) {
      const free = await preflight(place, look);
      // The delivery itself will say so.
      if ('gone' in free) return undefined;
      const isEmpty = 'shot' in free && seesDrafts(look);
      const found = await this.#find(place, own, isEmpty);
      if (found === undefined) continue;
      if (found !== 'gone') {
        if (!this.#mayClear(own, found)) return inTheBox(own, found);
        // It is cleared after the turn. The menu for a command is not a dialog, but hides the input box.
        const byMenu = own.what === NEW_CONVERSATION ? ['dialog', 'not_ready'] : [];
        if ('obstacle' in free && !['draft', ...byMenu].includes(free.obstacle.by)) return free.obstacle;
        if (await this.#clear(place, own)) continue;
        return inTheBox(own, found);
      }
      if ('obstacle' in free) return maybeOurs(free.obstacle, own);
      await sleep(GONE_MS, undefined, { signal: stop }).catch(() => {});
      const again = await this.#find(place, own, isEmpty);
      if (again !== undefined && again !== 'gone') return inTheBox(own, again);
      if (again === 'gone') this.#texts.takeForGone(own);
    }
    return this.#doubt(place, look);
  }

  /** An unreadable note may be about any text of ours: where drafts can't be seen, none may be on the screen. */
  async #doubt({ server, target }: Place, look: Pick<Look, 'patterns'>): Promise<Obstacle | undefined> {
    const { unreadable } = this.#texts;
    if (unreadable === undefined || seesDrafts(look)) return undefined;
    const shot = await shoot(server, target.pane);
    const words = shot && ownFormOnScreen(shot);
    if (words === undefined) return undefined;
    const evidence = `${unsent(words)} (What was typed into panes is not known for certain: ${unreadable} can't be read. Once no pane holds an unsent text, remove that file.)`;
    return { by: 'draft', evidence, isOurs: true };
  }

  /** What is in the way of another text; changes nothing. @throws MamError when tmux does not answer */
  async inTheWay(place: Place, look: Pick<Look, 'patterns'>): Promise<Obstacle | undefined> {
    for (const own of this.#texts.at(place.target)) {
      const found = await this.#find(place, own, seesDrafts(look));
      if (found !== undefined && found !== 'gone' && !this.#mayClear(own, found)) return inTheBox(own, found);
    }
    return this.#doubt(place, look);
  }

  /**
   * Where a text is in its pane.
   * @param isEmpty the box is known to be empty: words like ours are elsewhere
   * @returns undefined if the pane is another one now
   */
  async #find({ server, target }: Place, own: Known, isEmpty: boolean): Promise<Found | undefined> {
    const shot = await shoot(server, target.pane);
    if (shot === undefined || shot.pane_pid !== own.pane_pid) return undefined;
    const where = standing(shot, own);
    if (where !== 'none' && !(where === 'part' && isEmpty)) {
      this.#noteSeen(own, where);
      return where;
    }
    // Away from the cursor, or in a transcript.
    if (locate(shot.lines, own.mark).count > 0) this.#texts.noteSeen(own, { text: true });
    const wasSeen = hasBeenSeen(own);
    if (!wasSeen && !(await this.#wasRead(server, own, shot))) return 'unseen';
    const box = boxOf(shot, own);
    // Its program shows it in other words.
    if (!wasSeen && box === 'filled') this.#texts.noteSeen(own, { cursor: true });
    const isThrownAway = !wasSeen && box === 'other' && isOld(own);
    own.hasLeft = isEmpty || hasEmptyBox(shot, own, own.seen ?? {});
    return isEmpty || isThrownAway || hasLeft(shot, own, own.seen ?? {}) ? 'gone' : 'unclear';
  }

  #noteSeen(own: Known, where: Standing): void {
    if (where !== 'none')
      this.#texts.noteSeen(own, { cursor: true, ...(where !== 'folded' && { text: true }) });
  }

  /** Notes where an unsubmitted text is now. */
  async noteWhere(place: Place, own: Known): Promise<void> {
    await this.#find(place, own, false).catch(() => {});
  }

  /** True when a text that was never seen can no longer appear, as far as we can see. */
  async #wasRead(server: TmuxServer, own: Known, shot: Shot): Promise<boolean> {
    const hasMoved = hashOf(shot) !== own.screen;
    if (!hasMoved && !isOld(own)) return false;
    const unread = await hasUnread(server, own.pane);
    return unread === false || (unread === undefined && hasMoved);
  }

  /** True for a text that a person or the next hub may still send. */
  #isWanted({ what, jobs }: Known): boolean {
    if (what === 'line') return true;
    const record = this.#jobOf(jobs[0] ?? '')?.record;
    if (record === undefined || isFinal(record.status)) return false;
    return what !== 'order' || record.submitted_at === undefined;
  }

  /** A new text replaces any other, but not the order that an open job waits for. */
  #mayClear(own: Known, found: Found): boolean {
    return (
      found === 'alone' && !(own.what === 'order' && this.#isWanted(own)) && this.#keysFor(own) !== undefined
    );
  }

  #keysFor(own: Known): string[] | undefined {
    if (performance.now() - own.clearedAt < CLEAR_AGAIN_MS) return undefined;
    return clearKeysOf(own.agent, own.typing, own.text);
  }

  /** @returns true when the text has left the box */
  async #clear(place: Place, own: Known, placeholder?: string): Promise<boolean> {
    const pasted = { ...own, placeholder };
    const keys = this.#keysFor(own);
    const { patterns } = lookFor({ agent: own.agent, job_id: own.mark, typing: own.typing });
    const { dialog: _, ...others } = patterns;
    const shown = own.what === NEW_CONVERSATION ? others : patterns;
    if (keys === undefined || !(await clearOwnText(place, pasted, keys, shown))) return false;
    own.clearedAt = performance.now();
    for (const end = performance.now() + SHOWN_MS; performance.now() < end; await sleep(SCREEN_POLL_MS)) {
      const shot = await shoot(place.server, place.target.pane);
      if (shot === undefined || !hasLeft(shot, pasted, own.seen ?? {})) continue;
      own.hasLeft = true;
      this.#texts.takeForGone(own);
      return true;
    }
    return false;
  }
}

function isOld({ at, what }: Known): boolean {
  const limit = what === NEW_CONVERSATION ? COMMAND_THROWN_AWAY_MS : THROWN_AWAY_MS;
  return Date.now() - Date.parse(at) > limit;
}

/** True if the screen shows whether a box is empty. */
function seesDrafts({ patterns }: Pick<Look, 'patterns'>): boolean {
  return patterns.draft !== undefined;
}

/**
 * Where a text is in its pane; `unseen`: it was never seen, and may still appear; `unclear`: it is not at the cursor,
 * and nothing shows that it has left its box; `gone`: it is seen to have left it.
 */
type Found = Exclude<Standing, 'none'> | 'unseen' | 'unclear' | 'gone';

/** A text, in words. */
export function nameOf({ jobs, what }: Known): string {
  const words = { messages: 'message', new_conversation: 'command for a new conversation' };
  return `our own ${what in words ? words[what as keyof typeof words] : what} for job ${jobs.join(', ')}`;
}

/** Why nothing is pasted, with what to do about it. */
function inTheBox(own: Known, found: Exclude<Found, 'gone'>): Obstacle {
  const evidence = {
    alone: `${nameOf(own)} is in the input box and was not submitted. Remove it there.`,
    part: `a part of ${nameOf(own)} is in the input box: it was changed, or is next to other words, or the pane does not show all of it. It is left as it is. Send it or remove it there.`,
    folded: `the input box holds a placeholder, which may be ${nameOf(own)}, pasted at ${own.at} and not submitted. Send it or remove it there.`,
    unclear: `${nameOf(own)} was pasted at ${own.at} and not submitted, and the screen does not show that it has left the input box. Look into the pane, and send or remove it there.`,
    unseen: `${nameOf(own)} was pasted at ${own.at} and not seen since: it may still appear there. Look into the pane, and remove it when it appears.`,
  }[found];
  return { by: 'draft', evidence, isOurs: true };
}

/** An agent may show a long text of ours as something else, such as a placeholder. */
function maybeOurs(obstacle: Obstacle, own: Known): Obstacle {
  if (obstacle.by !== 'draft') return obstacle;
  const evidence = `${obstacle.evidence} (this may be ${nameOf(own)}, which was not submitted)`;
  return { ...obstacle, evidence };
}
