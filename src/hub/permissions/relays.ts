import type { HookReport } from '../../job/hook.ts';
import type { PeerRequest } from '../../job/record.ts';
import type { HookResult } from '../../operations/request.ts';
import { wholeOf } from '../dialogs/permission-draft.ts';
import { isCut, letters, saySame } from '../dialogs/same-call.ts';

/** A dialog that an agent has relayed over its channel, with the way back for the decision. */
interface Relay {
  report: HookReport;
  answer: (result: HookResult) => void;
}

/**
 * The permission dialogs that agents have relayed over their channels. What they ask for is heard from hooks or read
 * from the screen: a relay is only a way on which a decision goes back. Several are open at once where an agent asks for
 * several calls and shows one dialog after the other, so one is taken for a request only when it says the very same.
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

  /** True when a dialog of a job's agent was relayed on which this decision may go back. */
  has(jobId: string, request: PeerRequest, decision: 'allow' | 'deny'): boolean {
    const relays = this.of(jobId);
    return (
      relays.some((relay) => saysSame(relay, request)) ||
      (decision === 'deny' && isUnread(request) && relays.length === 1)
    );
  }

  /**
   * Takes the relay of a request out and answers it.
   * @param alone no other request is open: then the only relay there is must be its. It may be denied unread, but not
   *   allowed: nobody was told what
   * @returns false when there is none
   */
  decide(jobId: string, request: PeerRequest, alone: boolean, result: HookResult): boolean {
    const relays = this.of(jobId);
    const [only] = alone && relays.length === 1 ? relays : [];
    const safe = isUnread(request) && result.decision === 'deny';
    // Of two that are the same the older one may have been settled in the pane unseen.
    const found = this.same(jobId, request).at(-1) ?? (safe ? only : undefined);
    if (found === undefined) return false;
    this.take(jobId, found).answer(result);
    return true;
  }

  /** A request was settled on another way: nobody tells the channel. @param alone as above */
  forget(jobId: string, request: PeerRequest, alone: boolean): void {
    const relays = this.of(jobId);
    const found = this.same(jobId, request)[0] ?? (alone && relays.length === 1 ? relays[0] : undefined);
    if (found !== undefined) this.take(jobId, found).answer({});
  }

  /** Nothing is asked any more. */
  drop(jobId: string): void {
    for (const { answer } of this.of(jobId)) answer({});
    this.open.delete(jobId);
  }

  private take(jobId: string, taken: Relay): Relay {
    const left = this.of(jobId).filter((relay) => relay !== taken);
    if (left.length > 0) this.open.set(jobId, left);
    else this.open.delete(jobId);
    return taken;
  }

  /** Those that say what a request says, oldest first; none when they differ in the blanks that the screen hides. */
  private same(jobId: string, request: PeerRequest): Relay[] {
    const found = this.of(jobId).filter((relay) => saysSame(relay, request));
    return new Set(found.map(({ report }) => report.input)).size === 1 ? found : [];
  }

  private of(jobId: string): Relay[] {
    return this.open.get(jobId) ?? [];
  }
}

function saysSame({ report: { tool, input = '' } }: Relay, request: PeerRequest): boolean {
  const asked = { text: wholeOf(request).input ?? '', isShown: request.source === 'hub' };
  return letters(input) !== '' && tool === request.tool && saySame({ text: input, isShown: false }, asked);
}

/** True for a request whose dialog could not be read, or not whole: what is on the screen does not tell one call. */
function isUnread({ source, tool = '', input = '' }: PeerRequest): boolean {
  return source === 'hub' && (tool.startsWith('dialog') || isCut(input));
}
