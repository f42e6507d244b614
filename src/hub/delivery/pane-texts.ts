import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MamError, systemCode } from '../../base/errors.ts';
import { randomSuffix } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { identify, lifeOf, UNSEEN } from '../../base/process-id.ts';
import { sha256 } from '../../base/sha256.ts';
import { NEW_CONVERSATION } from '../../job/words.ts';
import { faultOfFolder } from '../../registry/home-faults.ts';
import {
  notePaneTextSeen,
  type PaneText,
  readPaneTexts,
  removePaneText,
  type SeenText,
  writePaneText,
} from '../../registry/pane-texts.ts';
import type { Target } from '../../tmux/deliver.ts';
import type { Shot } from '../../tmux/screen.ts';
import { promptOf } from '../../tmux/standing.ts';
import type { LiveJob } from '../jobs/live-job.ts';

/** How many texts that left a pane unseen are still watched for: they may appear late. */
const WATCHED = 5;

const NEVER = { clearedAt: Number.NEGATIVE_INFINITY, awaitedAt: Number.NEGATIVE_INFINITY };

/** A text of ours in a pane. */
export interface Known extends PaneText {
  readonly name: string;
  /** How it has been seen in the pane, if at all. */
  seen: SeenText | undefined;
  /** Its box was seen to be empty. */
  hasLeft?: boolean;
  /** When its clear key was last pressed, and when it was last waited for; monotonic, in ms. */
  clearedAt: number;
  awaitedAt: number;
}

/** What is noted about a text before its paste. */
export type Announced = Pick<PaneText, 'socket' | 'jobs' | 'what' | 'agent' | 'typing' | 'text' | 'mark'>;

/**
 * Our texts in panes, each from before its paste until it is seen to be submitted or gone. They are noted on disk, so that
 * every hub knows them, with the pane's first process, because pane ids are reused.
 */
export class PaneTexts {
  readonly #folder: string;
  readonly #log: Log;
  readonly #known = new Set<Known>();
  readonly #damaged: string[] = [];
  /** Marks of texts that were taken for gone. */
  readonly #gone = new Map<number, string[]>();

  /** @param folder where they are noted */
  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Reads the notes that the last hub left. */
  load(): void {
    for (const one of readPaneTexts(this.#folder))
      if (!('text' in one)) this.#damaged.push(join(this.#folder, one.name));
      else this.#known.add({ ...one.text, name: one.name, seen: one.seen, ...NEVER });
    this.sweep();
  }

  /** Drops a text for a queued job whose paste is not in the job's journal: the last hub died before it. */
  dropUnpasted({ id, record: { status, phase, typing_now: typing } }: LiveJob): void {
    if (status !== 'queued' || phase !== 'queued') return;
    for (const one of this.of(id)) {
      const isUnpasted = one.what === 'order' || (one.what === NEW_CONVERSATION && typing !== one.what);
      if (isUnpasted) this.drop(one);
    }
  }

  /**
   * Notes a text; it may be pasted once this has returned.
   * @param shot the pane's current screen
   * @throws MamError `io` when it can't be noted
   */
  add(target: Target, shot: Shot, announced: Announced): Known {
    const isSeen = lifeOf(target.agent) !== 'unknown';
    const { start, ns } = isSeen ? identify(target.pane_pid) : { start: '', ns: UNSEEN };
    const text: PaneText = {
      ...announced,
      pane: target.pane,
      pane_pid: target.pane_pid,
      pane_start: start,
      pane_ns: ns,
      prompt: promptOf(shot),
      alternate: shot.alternate,
      screen: hashOf(shot),
      at: new Date().toISOString(),
    };
    const name = randomSuffix();
    try {
      writePaneText(this.#folder, name, text);
    } catch (error) {
      throw new MamError(
        'io',
        `What is typed can't be noted in ${this.#folder} (${systemCode(error) ?? 'unknown error'}), so nothing was typed.`,
        `${faultOfFolder(this.#folder)[0]?.hint ?? 'Make room there.'} It is retried automatically.`,
        { cause: error },
      );
    }
    const known = { ...text, name, seen: undefined, ...NEVER };
    this.#known.add(known);
    return known;
  }

  /** The texts that may be in a pane, oldest first. */
  at({ pane, pane_pid }: Pick<Target, 'pane' | 'pane_pid'>): Known[] {
    if (this.#known.size === 0) return [];
    // Another tmux server may use both numbers again.
    this.sweep();
    return [...this.#known].filter((one) => one.pane === pane && one.pane_pid === pane_pid);
  }

  /** A note that can't be read, while it exists: any pane may hold its text. */
  get unreadable(): string | undefined {
    return this.#damaged.find((path) => existsSync(path));
  }

  of(jobId: string): Known[] {
    return [...this.#known].filter(({ jobs }) => jobs.includes(jobId));
  }

  /** Marks of texts that count as gone but may still appear. */
  marksGone({ pane_pid }: Pick<Target, 'pane_pid'>): readonly string[] {
    return this.#gone.get(pane_pid) ?? [];
  }

  /** @param as how it is seen; written only if that is new */
  noteSeen(one: Known, as: SeenText): void {
    const seen = { ...one.seen, ...as };
    if (one.seen !== undefined && JSON.stringify(seen) === JSON.stringify(one.seen)) return;
    one.seen = seen;
    this.#guarded(one, () => notePaneTextSeen(this.#folder, one.name, one, seen));
  }

  /** Forgets a text that is known to be gone: it was submitted, or never pasted. */
  drop(one: Known): void {
    this.#known.delete(one);
    this.#guarded(one, () => removePaneText(this.#folder, one.name));
  }

  /** A text has left its box; if it was never in it or is hidden, it may still appear. */
  takeForGone(one: Known): void {
    if (!hasBeenSeen(one) || one.hasLeft !== true)
      this.#gone.set(one.pane_pid, [...this.marksGone(one), one.mark].slice(-WATCHED));
    this.drop(one);
  }

  /** Drops the texts in panes whose first process has ended. */
  sweep(): void {
    for (const one of this.#known)
      if (lifeOf({ pid: one.pane_pid, start: one.pane_start, ns: one.pane_ns }) === 'gone') {
        this.drop(one);
        this.#gone.delete(one.pane_pid);
      }
  }

  #guarded({ jobs, what }: Known, step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#log.error(`a text in a pane (${what} of ${jobs.join(', ')}) was not noted`, error);
    }
  }
}

export function hasBeenSeen({ seen: { text, cursor, placeholder } = {} }: Known): boolean {
  return text === true || cursor === true || placeholder !== undefined;
}

/** A hash of a screen, to compare it with later ones without storing its words. */
export function hashOf({ lines, cursor_x, cursor_y }: Shot): string {
  return sha256(JSON.stringify([lines, cursor_x, cursor_y])).slice(0, 16);
}
