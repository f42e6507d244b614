import { isUndecided } from '../job/check.ts';
import type { TimelineEntry } from '../view/timeline.ts';

/** What a peer asks for, told by the audit log alone. */
export interface Asked {
  request_id: string;
  /** What is decided, and not answered with words, is a permission. */
  kind: 'question' | 'permission';
  /** True when only a hook or the screen can tell that it is settled. */
  evidence: boolean;
  /** The event that asked: all that there is to read. */
  entry: TimelineEntry;
  /** What the agent was given as decision, while that was not seen to count yet. */
  decision?: string | undefined;
}

/** What a person does who is not the peer. */
const NO_WORD = new Set(['answered', 'cancelled', 'verified']);

/**
 * The open requests of a job, from its audit log: the rules of the record, for a reader who is not given it.
 * `job_status` would give them, but the server takes what it told as seen by the model, and a decision of the model
 * without an id counts for that: what a person sees on a page must not change it.
 */
export class Requests {
  private open: Asked[] = [];

  /** Takes entries in the order of the log. */
  take(entries: readonly TimelineEntry[]): void {
    for (const entry of entries) this.next(entry);
  }

  /** The one that an open job needs an answer to now: a permission before a question. Of a final job it says nothing. */
  get current(): Asked | undefined {
    const decided = this.open.filter(({ kind }) => kind === 'permission');
    return decided.find(({ entry }) => entry.type !== 'validated') ?? decided[0] ?? this.open[0];
  }

  private next(entry: TimelineEntry): void {
    const { type, source, request_id: wanted } = entry;
    const meant = (asked: Asked): boolean => wanted === undefined || asked.request_id === wanted;
    if ((source === 'peer' || source === 'person') && !NO_WORD.has(type))
      this.keep((asked) => asked.kind === 'permission' && asked.evidence);
    const isCheck = type === 'validated' && isUndecided(entry) && entry.late !== true;
    if (type === 'question' || type === 'permission_required' || isCheck) this.ask(entry);
    else if (type === 'permission_resolved') this.keep((asked) => !meant(asked));
    else if (type === 'decision_refused') this.drop(wanted);
    else if (type === 'answered') this.answer(entry, this.open.filter(meant));
  }

  private ask(entry: TimelineEntry): void {
    const { request_id, source, type } = entry;
    if (request_id === undefined) return;
    const kind = type === 'question' ? 'question' : 'permission';
    // A check that could not run: whether the work counts is decided like a permission, and another report settles it.
    const evidence = type !== 'validated' && (source === 'hook' || source === 'hub');
    this.open.push({ request_id, kind, evidence, entry });
  }

  private answer({ decision }: TimelineEntry, meant: Asked[]): void {
    const [first] = meant;
    if (first?.kind === 'permission' && decision !== undefined) {
      if (first.evidence) first.decision = decision;
      else this.keep((asked) => asked !== first);
      return;
    }
    // Words about a check go to the peer, which then reports again.
    const question = meant.find(({ kind, entry }) => kind === 'question' || entry.type === 'validated');
    // Settles what it names, or every open request where it names none.
    if (question !== undefined) this.keep((asked) => !meant.includes(asked));
  }

  private drop(wanted: string | undefined): void {
    for (const asked of this.open) if (asked.request_id === wanted) asked.decision = undefined;
  }

  private keep(stays: (asked: Asked) => boolean): void {
    this.open = this.open.filter(stays);
  }
}
