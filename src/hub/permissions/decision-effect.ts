import { setTimeout as sleep } from 'node:timers/promises';
import { screenOf } from '../../agents/index.ts';
import type { HookReport } from '../../job/hook.ts';
import type { PeerRequest } from '../../job/record.ts';
import { classify, type ScreenState } from '../../tmux/screen.ts';
import { letters } from '../dialogs/same-call.ts';
import { compareDialog, dialogOn } from '../dialogs/shown-dialog.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { AgentPane } from '../panes/agent-pane.ts';
import type { Permission } from './permission-state.ts';

/** How long (ms) to wait for the effect of a decision, and how often to look for it. */
export const EFFECT_TIMEOUT_MS = 5_000;
export const EFFECT_POLL_MS = 50;
/** How long (ms) an idle screen must last to mean something: one may be drawn between two others. */
const IDLE_MS = 500;

/** The effect of a decision that was given to the agent. */
interface Effect {
  /** `counts`: proven. `unproven`: the dialog is gone, but may have been answered in another way. `none`: it is still there. */
  kind: 'counts' | 'unproven' | 'none';
  evidence: string;
}

export interface Given {
  decision: 'allow' | 'deny';
  way: 'hook' | 'key';
  /** What a denial tells the agent; some show it. */
  reason: string;
  /** The screen when it was given. */
  before: string;
}

/**
 * Watches what an agent does with a decision. A person may have answered at the same time, so a dialog that has gone proves
 * nothing; what the agent does next does.
 * @param known returns what is known about the request now
 */
export async function watchEffect(
  pane: AgentPane | undefined,
  job: LiveJob,
  request: PeerRequest,
  known: () => Permission | undefined,
  given: Given,
): Promise<Effect> {
  const { agent, typing } = job.record;
  if (pane === undefined) return { kind: 'unproven', evidence: 'there is no pane to look at' };
  let goneSince: number | undefined;
  let screen: string | undefined;
  let heard: Effect | undefined;
  for (
    const end = performance.now() + EFFECT_TIMEOUT_MS;
    performance.now() < end;
    await sleep(EFFECT_POLL_MS)
  ) {
    if (job.isFinal) return { kind: 'unproven', evidence: 'the job ended' };
    heard = heardOf(known()?.heard ?? [], given);
    if (heard?.kind === 'unproven') return heard;
    const lines = await pane.look().then(
      (shot) => shot?.lines ?? [],
      () => undefined,
    );
    screen = lines?.join('\n');
    // The agent has the decision, whether or not tmux answers.
    if (lines === undefined || screen === undefined) continue;
    const dialog = dialogOn(lines, job.record);
    const { dialog: seen, told } = known() ?? {};
    if (compareDialog(dialog, request, { seen, told }) !== 'other') {
      goneSince = undefined;
      continue;
    }
    goneSince ??= performance.now();
    const ms = performance.now() - goneSince;
    // The screen may have been read while it was being drawn.
    if (ms === 0) continue;
    if (heard !== undefined) return { ...heard, evidence: `the dialog went away (${heard.evidence})` };
    const state = dialog === undefined ? classify(lines, screenOf(agent, typing)) : 'dialog';
    const effect = seenNow(given, state, ms, screen);
    if (effect !== undefined) return effect;
  }
  if (goneSince !== undefined) return { kind: 'unproven', evidence: 'the dialog went away' };
  if (screen === undefined) return { kind: 'unproven', evidence: 'the pane could not be read' };
  const next = 'the next dialog looks the same';
  if (heard !== undefined) return { ...heard, evidence: `${heard.evidence}; ${next}` };
  // If the agent had ignored the key, nothing else would have changed.
  if (given.way === 'key' && screen !== given.before) return { kind: 'counts', evidence: next };
  return { kind: 'none', evidence: 'the dialog is still on the screen' };
}

function heardOf(reports: readonly HookReport[], { decision }: Given): Effect | undefined {
  for (const { type, text = '' } of reports) {
    if (type === 'permission_settled') {
      const reply = /^(?:once|always)$/.test(text) ? 'allow' : text === 'reject' ? 'deny' : undefined;
      if (reply === decision) return { kind: 'counts', evidence: `the agent says ${text}` };
      const evidence = reply === undefined ? 'the agent had ended its hook' : `the agent says ${text}`;
      return { kind: 'unproven', evidence };
    }
    const isAllowed = type === 'tool_used' ? true : type === 'interrupted' ? false : undefined;
    if (isAllowed === undefined) continue;
    const evidence = isAllowed ? 'the tool has run' : 'the turn was ended';
    return { kind: isAllowed === (decision === 'allow') ? 'counts' : 'unproven', evidence };
  }
  return undefined;
}

/** The effect as the screen shows it, once the dialog is gone. */
function seenNow(
  { decision, way, reason }: Given,
  state: ScreenState,
  ms: number,
  screen: string,
): Effect | undefined {
  const isSettled = ms >= IDLE_MS;
  const away = 'the dialog went away';
  if (decision === 'allow') {
    if (state === 'busy' || state === 'dialog' || (state === 'unknown' && isSettled))
      return { kind: 'counts', evidence: away };
    return isSettled ? { kind: 'unproven', evidence: `${away}, and the agent is idle` } : undefined;
  }
  if (way !== 'key') {
    if (!letters(screen).includes(letters(reason))) return undefined;
    return { kind: 'counts', evidence: 'the screen shows the reason that was given' };
  }
  // An agent may be busy with the hooks at the end of its turn.
  const isEnd = state === 'ready' || state === 'unknown';
  return isEnd && isSettled ? { kind: 'counts', evidence: away } : undefined;
}
