import type { SeenText } from '../../registry/pane-texts.ts';
import {
  type DeliveryEnd,
  type DeliverySteps,
  deliver,
  type Look,
  type Obstacle,
  type Target,
} from '../../tmux/deliver.ts';
import { PLACEHOLDER } from '../../tmux/own-text.ts';
import { type Shot, shoot } from '../../tmux/screen.ts';
import { release } from '../../tmux/typing-claim.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import { placeOf } from '../panes/agent-pane.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { Leftovers, nameOf } from './leftovers.ts';
import type { Announced, Known, PaneTexts } from './pane-texts.ts';

/** What is typed, and where. */
export interface Typing {
  target: Target;
  look: Look;
  /** The text, and what must be known about it later. */
  announced: Announced;
  steps: DeliverySteps;
  /** The pane's current screen. */
  glance?: Shot | undefined;
}

/**
 * Types texts of every kind into panes, each alone or not at all. A text that was pasted but not submitted is remembered
 * until it is seen to be gone; until then nothing else is pasted.
 */
export class Typist {
  readonly #with;
  readonly #leftovers: Leftovers;

  constructor(parts: {
    texts: PaneTexts;
    servers: TmuxServers;
    /** Finds a job in memory, where every open one is. */
    jobOf: (jobId: string) => LiveJob | undefined;
  }) {
    this.#with = parts;
    this.#leftovers = new Leftovers(parts.texts, parts.jobOf);
  }

  /** Hands a text over, as `deliver`. @throws what `steps.pasting` throws; MamError `io` when the text can't be noted */
  async type({ target, look, announced, steps, glance }: Typing): Promise<DeliveryEnd> {
    const server = this.#with.servers.get(announced.socket);
    const place = { server, target };
    const isClean = this.#isClean(target);
    const obstacle = isClean ? undefined : await this.#leftovers.makeRoom(place, look, steps.stop);
    if (steps.stop.aborted) return { kind: 'stopped', remains: false };
    if (obstacle !== undefined) return { kind: 'blocked', obstacle };
    let own: Known | undefined;
    let placeholder: string | undefined;
    let seen: SeenText | undefined;
    let end: DeliveryEnd | undefined;
    const noted: DeliverySteps = {
      ...steps,
      pasting: (shot) => {
        // Both writes begin before either is waited for.
        own = this.#with.texts.add(target, shot, announced);
        return steps.pasting(shot);
      },
      visible: (evidence, mark) => {
        seen = mark === undefined || PLACEHOLDER.test(mark) ? {} : { text: true };
        if (mark !== undefined && PLACEHOLDER.test(mark)) placeholder = mark;
        // On disk before Enter: another hub would not recognise the text otherwise.
        if (own !== undefined && placeholder !== undefined) this.#with.texts.noteSeen(own, { placeholder });
        steps.visible(evidence);
      },
    };
    const wholeLook = { ...look, others: this.#with.texts.marksGone(target) };
    try {
      end = await deliver(place, announced.text, wholeLook, noted, isClean ? glance : undefined);
    } finally {
      // If it could not be announced, nothing was pasted.
      if (own !== undefined && (end === undefined || isOut(end))) this.#with.texts.drop(own);
      // No more keys follow. A pane that is gone has taken our claim with it.
      if (own !== undefined) void release(server, target.pane).catch(() => {});
    }
    if (own === undefined || isOut(end)) return end;
    if (seen !== undefined) this.#with.texts.noteSeen(own, seen);
    if (end.kind === 'gone') this.#with.texts.sweep();
    else if (end.kind === 'stopped') await this.#leftovers.leave(place, own, placeholder);
    else await this.#leftovers.noteWhere(place, own);
    return end;
  }

  /** Removes an ended job's unsubmitted text from its pane, if that is safe. */
  async leaveOf({ id, record }: LiveJob): Promise<void> {
    const place = placeOf(this.#with.servers, record);
    if (place !== undefined) await this.#leftovers.leaveOf(place, id);
  }

  /** The text of ours that keeps an otherwise free pane from being typed into. @throws MamError as `shoot` */
  async inTheWay(
    socket: string,
    target: Target,
    look: Pick<Look, 'patterns'>,
  ): Promise<Obstacle | undefined> {
    if (this.#isClean(target)) return undefined;
    return this.#leftovers.inTheWay({ server: this.#with.servers.get(socket), target }, look);
  }

  #isClean(target: Target): boolean {
    return this.#with.texts.unreadable === undefined && this.#with.texts.at(target).length === 0;
  }

  /** True when a text of a job was pasted and was not seen to be submitted. */
  has(jobId: string): boolean {
    return this.#with.texts.of(jobId).length > 0;
  }

  /**
   * A warning for a job whose agent has ended: the program that has the pane now may read what was pasted but not sent.
   * @returns a sentence after a space, or an empty text
   */
  async unread({ id }: LiveJob): Promise<string> {
    const own = this.#with.texts.of(id).find(({ what }) => what !== 'line');
    const shot = own && (await shoot(this.#with.servers.get(own.socket), own.pane).catch(() => undefined));
    if (shot === undefined || shot.dead || shot.pane_pid !== own?.pane_pid) return '';
    return ` ${nameOf(own).replace('our', 'Our')} was pasted and not sent, and may now be at a prompt in pane ${own.pane}, such as a shell's. Look there (\`mam attach ${id}\`) and clear the line (Ctrl-C): on Enter a shell would run it.`;
  }

  /**
   * The text that a dead hub was about to submit.
   * @returns undefined if none is known in the pane, `others` if another one may be there
   */
  only(target: Target, isIt: (one: Known) => boolean): Known | 'others' | undefined {
    const all = this.#with.texts.at(target);
    return all.every(isIt) ? all[0] : 'others';
  }

  /** A text was submitted after all. */
  submitted(own: Known): void {
    this.#with.texts.drop(own);
  }
}

/** True when none of the text is left in the box. */
function isOut(end: DeliveryEnd): boolean {
  return end.kind === 'submitted' || end.kind === 'blocked' || (end.kind === 'stopped' && !end.remains);
}
