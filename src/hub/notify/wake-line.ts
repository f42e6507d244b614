import { lookFor } from '../../agents/index.ts';
import type { JobOrder } from '../../job/record.ts';
import type { TmuxServer } from '../../tmux/control.ts';
import type { Look, Target } from '../../tmux/deliver.ts';
import { type Recovery, recoverDelivery } from '../../tmux/recover.ts';
import { classify, shoot } from '../../tmux/screen.ts';
import type { Typist } from '../delivery/typist.ts';

/** The agent that is notified in its own pane. */
export type Supervisor = NonNullable<JobOrder['notify']>;

export function targetOf({ pane, process }: Supervisor): Target {
  return { pane, pane_pid: process.pane_pid, agent: process };
}

/** How to look at the supervisor's pane. @param mark the word that proves that the line is there */
export function lookAt(supervisor: Supervisor, mark: string): Look {
  return { ...lookFor({ ...supervisor, job_id: mark }), needle: mark };
}

/** The end of a line, with its mark. */
export function noteOf(mark: string): string {
  return `(note ${mark})`;
}

/**
 * Submits a line whose hub died between the paste and Enter, if it is alone in the box. Never pastes.
 * @returns how it ended; undefined while the agent is in a turn or asks something: then try again later
 */
export async function finishLine(
  { server, typist }: { server: TmuxServer; typist: Typist },
  supervisor: Supervisor,
  line: string,
  stop: AbortSignal,
): Promise<Recovery | undefined> {
  const [, mark = ''] = /\(note (\w+)\)$/.exec(line) ?? [];
  const look = lookAt(supervisor, mark);
  try {
    const shot = await shoot(server, supervisor.pane);
    const state = classify(shot?.lines ?? [], look.patterns);
    if (state === 'busy' || state === 'dialog' || shot?.in_mode === true) return undefined;
  } catch (error) {
    return { kind: 'unverified', why: (error as Error).message };
  }
  const target = targetOf(supervisor);
  const own = typist.only(target, ({ what, text }) => what === 'line' && text === line);
  if (own === 'others') return { kind: 'unverified', why: 'Another text of ours is in the pane.' };
  const end = await recoverDelivery({ server, target }, own ?? { text: line, prompt: '' }, look, stop);
  if (end.kind === 'submitted' && own !== undefined) typist.submitted(own);
  return end;
}
