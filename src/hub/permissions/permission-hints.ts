import type { HookReport } from '../../job/hook.ts';
import { compareTold } from '../dialogs/same-call.ts';
import type { ShownDialog } from '../dialogs/shown-dialog.ts';

/** What a hook has told in advance is forgotten after this time (ms): no dialog came up. */
const HINT_MS = 15_000;

interface Hint {
  report: HookReport;
  /** When it is forgotten, on the clock that nobody sets; with the end of the turn when its dialog has been there and may come back. */
  until?: number;
}

/** What hooks that do not wait for a decision tell of dialogs before they are drawn. */
export class PermissionHints {
  /** By job id, in the order of their coming. */
  private readonly told = new Map<string, Hint[]>();

  add(jobId: string, report: HookReport): void {
    this.told.set(jobId, [...this.of(jobId), { report, until: performance.now() + HINT_MS }]);
  }

  /** Keeps what was told of a dialog that has made room for another: until the turn ends. */
  putBack(jobId: string, report: HookReport): void {
    this.told.set(jobId, [...this.of(jobId), { report }]);
  }

  /** Takes out the hint that a dialog on the screen shows, where just one does. */
  take(jobId: string, dialog: ShownDialog): HookReport | undefined {
    const same = this.of(jobId).filter(({ report }) => compareTold(dialog, report) === 'same');
    const inputs = new Set(same.map(({ report }) => report.input));
    return inputs.size === 1 ? this.takeOut(jobId, same[0]) : undefined;
  }

  /**
   * Takes out the only hint there is, for a dialog that can't be compared with it. Where an agent asks for several calls
   * at once their hooks come in any order, so this is for a dialog that has stood for a while: it may be that of a hook
   * that is still on its way.
   */
  takeOnly(jobId: string, dialog: ShownDialog): HookReport | undefined {
    const [only, ...others] = this.of(jobId).filter(({ until }) => until !== undefined);
    if (only === undefined || others.length > 0) return undefined;
    return compareTold(dialog, only.report) === 'other' ? undefined : this.takeOut(jobId, only);
  }

  /** Nothing is asked any more. */
  drop(jobId: string): void {
    this.told.delete(jobId);
  }

  private takeOut(jobId: string, hint: Hint | undefined): HookReport | undefined {
    this.told.set(
      jobId,
      this.of(jobId).filter((one) => one !== hint),
    );
    return hint?.report;
  }

  private of(jobId: string): Hint[] {
    const now = performance.now();
    return (this.told.get(jobId) ?? []).filter(({ until }) => until === undefined || now < until);
  }
}
