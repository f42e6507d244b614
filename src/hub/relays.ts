import type { HookReport } from '../job/hook.ts';
import type { PeerRequest } from '../job/record.ts';
import type { HookResult } from '../job/request.ts';
import { isAbout } from './shown-dialog.ts';

/** A dialog that an agent has relayed over its channel, with the way back for the decision. */
interface Relay {
  report: HookReport;
  answer: (result: HookResult) => void;
}

/**
 * The permission dialogs that agents have relayed over their channels. What they ask for is heard from hooks or read
 * from the screen, since a relay shows 200 characters of it only; a relay is a way on which a decision goes back.
 */
export class Relays {
  /** By job id, in the order of their coming. */
  private readonly open = new Map<string, Relay[]>();

  /** @returns the decision that goes back over the channel; nothing when the dialog was settled another way */
  add(jobId: string, report: HookReport): Promise<HookResult> {
    const known = this.of(jobId);
    // Asked once more after a lost connection: both are answered.
    const same = known.find((relay) => relay.report.call_id === report.call_id);
    return new Promise((resolve) => {
      const answer = (result: HookResult): void => {
        same?.answer(result);
        resolve(result);
      };
      this.open.set(jobId, [...known.filter((relay) => relay !== same), { report, answer }]);
    });
  }

  /** True when a dialog of a job's agent was relayed that asks for what a request asks for. */
  has(jobId: string, request: PeerRequest): boolean {
    return this.about(jobId, request) !== undefined;
  }

  /**
   * Takes the relay of a request out and answers it.
   * @param alone no other request is open: then the only relay there is must be its
   * @returns false when there is none
   */
  decide(jobId: string, request: PeerRequest, alone: boolean, result: HookResult): boolean {
    const relays = this.of(jobId);
    const found = this.about(jobId, request) ?? (alone && relays.length === 1 ? relays[0] : undefined);
    if (found === undefined) return false;
    this.open.set(
      jobId,
      relays.filter((relay) => relay !== found),
    );
    found.answer(result);
    return true;
  }

  /** Nothing is asked any more. */
  drop(jobId: string): void {
    for (const { answer } of this.of(jobId)) answer({});
    this.open.delete(jobId);
  }

  private about(jobId: string, { tool = '', input, text }: PeerRequest): Relay | undefined {
    // Of two that are alike the older one was settled in the pane: nobody tells of that.
    return this.of(jobId).findLast(({ report }) => isAbout({ tool, input: input ?? text }, report));
  }

  private of(jobId: string): Relay[] {
    return this.open.get(jobId) ?? [];
  }
}
