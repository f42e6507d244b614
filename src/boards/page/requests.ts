import { isUndecided } from '../../job/check.ts';
import type { TimelineEntry } from '../../view/timeline.ts';

/** What a peer asks for, told by the audit log alone. */
export interface Asked {
  request_id: string;
  /** What is decided, and not answered with words, is a permission. */
  kind: 'question' | 'permission';
  /** True when no other report of the peer tells that it is settled. */
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
    return decided.find((asked) => !isCheck(asked)) ?? decided[0] ?? this.open[0];
  }

  private next(entry: TimelineEntry): void {
    const { type, source, request_id: wanted } = entry;
    const meant = (asked: Asked): boolean => wanted === undefined || asked.request_id === wanted;
    if ((source === 'peer' || source === 'person') && !NO_WORD.has(type))
      this.keep((asked) => asked.kind === 'permission' && asked.evidence);
    const asks = isCheck({ entry }) && isUndecided(entry) && entry.late !== true;
    if (type === 'question' || type === 'permission_required' || asks) this.ask(entry);
    else if (type === 'completed') this.keep((asked) => !isCheck(asked));
    else if (type === 'permission_resolved') this.settle(this.open.filter(meant));
    else if (type === 'decision_refused') this.drop(wanted);
    else if (type === 'answered') this.answer(entry, this.open.filter(meant));
  }

  private ask(entry: TimelineEntry): void {
    const { request_id, source, type } = entry;
    if (request_id === undefined) return;
    const kind = type === 'question' ? 'question' : 'permission';
    // A check that could not run: whether the work counts is decided like a permission.
    const evidence = source === 'hook' || source === 'hub';
    this.open.push({ request_id, kind, evidence, entry });
  }

  private answer({ decision, request_id: wanted }: TimelineEntry, meant: Asked[]): void {
    const [first] = meant;
    if (first !== undefined && isCheck(first) && wanted !== undefined) {
      if (decision !== undefined) this.keep((asked) => asked !== first);
      return;
    }
    if (first?.kind === 'permission' && !isCheck(first) && decision !== undefined) {
      if (first.evidence) first.decision = decision;
      else this.keep((asked) => asked !== first);
      return;
    }
    if (meant.some(({ kind }) => kind === 'question')) this.settle(meant);
  }

  /** Settles what is named, or every open request where none is, but for a check: that is decided, or made again. */
  private settle(meant: readonly Asked[]): void {
    this.keep((asked) => !meant.includes(asked) || isCheck(asked));
  }

  private drop(wanted: string | undefined): void {
    for (const asked of this.open) if (asked.request_id === wanted) asked.decision = undefined;
  }

  private keep(stays: (asked: Asked) => boolean): void {
    this.open = this.open.filter(stays);
  }
}

/** True for the question whether work counts whose check has said nothing. */
function isCheck({ entry }: Pick<Asked, 'entry'>): boolean {
  return entry.type === 'validated';
}
