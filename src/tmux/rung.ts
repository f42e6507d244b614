import { setTimeout as sleep } from 'node:timers/promises';
import { areShown, isSameBox, type Place, press, unfit } from './guard.ts';
import { isElsewhere, menuRow } from './own-command.ts';
import { locate, type OwnText, withoutOwn } from './own-text.ts';
import type { Look } from './preflight.ts';
import { find, type Shot } from './screen.ts';
import { beginOfBox, type Pasted } from './standing.ts';

/** What the caller does at each rung. */
export interface DeliverySteps {
  /** Awaited before the paste, which must be on disk first. @param shot the pane right before the paste */
  pasting(shot: Shot): Promise<void>;
  /** @param mark the part of the text that is seen; absent when only a change of the screen is */
  visible(evidence: string, mark?: string): void;
  submitted(evidence: string): void;
  /** Aborted as soon as the peer has reported or the job has ended: no more keys. */
  stop: AbortSignal;
}

/** What happened to a pasted text. It may still be in the box, except after `submitted`, or when `remains` is false. */
export type ClimbEnd =
  | { kind: 'submitted' }
  | { kind: 'stopped'; remains: boolean }
  | { kind: 'gone'; why: string }
  | { kind: 'unverified'; why: string };

/** A text that has been pasted and is not yet submitted. */
export interface Climb extends Place {
  text: string;
  look: Look;
  steps: DeliverySteps;
  /** The screen before the paste; empty when it is not known. */
  before: string[];
  /** The text, and what bounds its box. */
  pasted: Pasted;
}

/** A climb in progress. */
export type Job = Climb & {
  own: OwnText;
  /** Our text itself has been on the screen: from then on a mere change of the screen proves nothing. */
  wasSeen: boolean;
};

/** What a person may have done to a text that is not alone in its box, or not as it was. */
export const BY_HAND = 'someone has changed it, or written next to it';

/** Stopped with our text in the box, as far as we know. */
export const STOPPED = { kind: 'stopped', remains: true } as const;

/** The end of the climb if another text of ours, which counted as gone, has appeared since the paste. */
export function intruder({ own, text, look }: Job, shot: Shot): ClimbEnd | undefined {
  const other = look.others?.find((mark) => own.isNew(shot.lines, mark) && locate([text], mark).count === 0);
  if (other === undefined) return undefined;
  const why = `another text of ours (${other}) has appeared next to it; Enter was not pressed`;
  return { kind: 'unverified', why };
}

/** What forbids Enter: an end, or something that may go away. */
export function obstructed(job: Job, shot: Shot | undefined): ClimbEnd | { wait: string } | undefined {
  const reason = unfit(shot, job.target);
  if (reason !== undefined)
    return reason.by === 'gone' ? { kind: 'gone', why: reason.why } : { wait: reason.why };
  const pattern = job.look.patterns.dialog;
  const lines = shot?.lines ?? [];
  const dialog = pattern && find(withoutOwn(lines, job.text), pattern);
  // The menu for our own command may look like one.
  return dialog === undefined || menuRow(job.look, lines) !== undefined
    ? undefined
    : { kind: 'unverified', why: `a dialog appeared before Enter: ${dialog}` };
}

/**
 * Presses the submit key if the box is as it was seen.
 * @param pasted how our text is in the box; undefined if none of it is seen
 * @returns undefined when pressed, else what tmux saw
 */
export async function submit(job: Job, shot: Shot, pasted: Pasted | undefined): Promise<string | undefined> {
  const seen = pasted === undefined ? [] : isSameBox(shot, beginOfBox(shot, pasted.prompt));
  if (isElsewhere(job.look, shot.lines)) return 'the menu of the agent has changed';
  const row = menuRow(job.look, shot.lines);
  return press(job, shot, [job.look.submitKey], row === undefined ? seen : [...seen, ...areShown([row])]);
}

/** The pause (ms) before the next look: none at first, since a program that echoes at once does so within 1 ms. */
export function step(elapsed: number): number {
  if (elapsed < 15) return 0;
  if (elapsed < 100) return 5;
  return elapsed < 500 ? 20 : 50;
}

export async function pause(ms: number, stop: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: stop }).catch(() => {});
}
