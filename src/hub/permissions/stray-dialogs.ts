/** A dialog that no hook has told of counts as a request when it has stood so long (ms): hooks need some tenths of a second. */
const SCREEN_MS = 1_500;

/** The dialogs on agents' screens that no request is known for, one a job at most. */
export class StrayDialogs {
  /** By job id. */
  private readonly seen = new Map<string, { key: string; timer: NodeJS.Timeout }>();

  /** Notes a dialog by its key. @param onStanding called once when it has stood for its time */
  note(jobId: string, key: string, onStanding: () => void): void {
    if (this.seen.get(jobId)?.key === key) return;
    this.forget(jobId);
    const timer = setTimeout(() => {
      this.seen.delete(jobId);
      onStanding();
    }, SCREEN_MS);
    this.seen.set(jobId, { key, timer });
  }

  /** It has gone, or its request is known. */
  forget(jobId: string): void {
    clearTimeout(this.seen.get(jobId)?.timer);
    this.seen.delete(jobId);
  }
}
