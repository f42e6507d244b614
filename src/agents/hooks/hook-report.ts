import type { HookReport } from '../../job/hook.ts';

export type { HookReport } from '../../job/hook.ts';

/** How one kind's hooks are read; a file of its own for each. */
export interface HookReader {
  /**
   * @param event the agent's name of the event, as it stands on the hook's command line
   * @param payload the JSON object from the hook's stdin
   * @returns nothing for an event that tells us nothing
   */
  read(event: string, payload: Record<string, unknown>): HookReport | undefined;
  /** True for a permission request for our own tools of the very server that we have started: `answer` allows it at once. */
  isOwnCall?(event: string, payload: Record<string, unknown>): boolean;
  /**
   * Stdout of a permission hook that answers its request, where this agent's hooks can. Absent: decisions are typed.
   * @param reason told to the agent with a denial
   */
  answer?(decision: 'allow' | 'deny', reason: string): string;
}
