import type { HookReport } from '../job/hook.ts';
import { isAbout, type ShownDialog } from './shown-dialog.ts';

/** What a hook has told in advance is forgotten after this time (ms): no dialog came up. */
const HINT_MS = 15_000;

/** What hooks that do not wait for a decision tell of dialogs before they are drawn. */
export class PermissionHints {
  /** By job id, in the order of their coming. */
  private readonly told = new Map<string, { report: HookReport; at: number }[]>();

  add(jobId: string, report: HookReport): void {
    this.told.set(jobId, [...this.of(jobId), { report, at: Date.now() }]);
  }

  /** Takes out the hint that a dialog on the screen belongs to: the one that it shows, or the only one there is. */
  take(jobId: string, dialog: ShownDialog): HookReport | undefined {
    const hints = this.of(jobId);
    const found =
      hints.find(({ report }) => isAbout(dialog, report)) ?? (hints.length === 1 ? hints[0] : undefined);
    if (found === undefined) return undefined;
    this.told.set(
      jobId,
      hints.filter((hint) => hint !== found),
    );
    return found.report;
  }

  /** Nothing is asked any more. */
  drop(jobId: string): void {
    this.told.delete(jobId);
  }

  private of(jobId: string) {
    return (this.told.get(jobId) ?? []).filter(({ at }) => Date.now() - at < HINT_MS);
  }
}
