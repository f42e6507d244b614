import type { HookReport } from '../../job/hook.ts';
import { compareTold } from '../dialogs/same-call.ts';
import type { ShownDialog } from '../dialogs/shown-dialog.ts';

/** When (ms) a report in advance is forgotten, because no dialog appeared. */
const HINT_MS = 15_000;

/** What a hook that does not wait for a decision reported before its dialog was drawn. */
export interface Hint {
  readonly report: HookReport;
  /** When it is forgotten; absent if its dialog has appeared and may come back: then at the end of the turn. */
  readonly until?: number | undefined;
}

type Hints = readonly Hint[];

/** Adds what a hook has reported, and forgets what has expired. */
export function withHint(hints: Hints, report: HookReport, now: number): Hints {
  return [...alive(hints, now), { report, until: now + HINT_MS }];
}

/** The hint that a dialog on the screen matches, if exactly one does. */
export function hintOf(hints: Hints, dialog: ShownDialog, now: number): Hint | undefined {
  const same = alive(hints, now).filter(({ report }) => compareTold(dialog, report) === 'same');
  return new Set(same.map(({ report }) => report.input)).size === 1 ? same[0] : undefined;
}

/**
 * The only hint, for a dialog that can't be compared with it. When an agent asks for several calls at once, their hooks
 * come in any order, so this is only for a dialog that has been shown for a while: a younger one may belong to a hook that
 * is still to come.
 */
export function onlyHint(hints: Hints, dialog: ShownDialog, now: number): Hint | undefined {
  const [only, ...others] = alive(hints, now).filter(({ until }) => until !== undefined);
  if (only === undefined || others.length > 0) return undefined;
  return compareTold(dialog, only.report) === 'other' ? undefined : only;
}

function alive(hints: Hints, now: number): Hint[] {
  return hints.filter(({ until }) => until === undefined || now < until);
}
