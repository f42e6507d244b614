import { explain, MamError } from '../base/errors.ts';
import { lifeOf, type ProcessId } from '../base/process-id.ts';
import { commandLineOf } from '../base/processes.ts';
import { shellWord } from '../base/shell.ts';
import { carriedBy } from './carrier.ts';
import type { TmuxServer } from './control.ts';
import { type Place, type Target, unfit } from './guard.ts';
import type { OwnCommand } from './own-command.ts';
import { ownFormAtCursor, unsent } from './own-form.ts';
import { captureBright, classify, find, type ScreenPatterns, type Shot, shoot } from './screen.ts';
import { otherHub } from './typing-claim.ts';

/** How an agent kind accepts a text; from its file in `src/agents`. */
export interface Look {
  patterns: ScreenPatterns;
  /** Quiet time (ms) between the text's appearance and Enter; 0 for a program that takes input at once. */
  settleMs: number;
  /** A word that proves that the text is in the box, such as the job id. */
  needle: string;
  /** Marks of earlier texts of ours that may still appear in the pane: with one of them next to ours, none is submitted. */
  others?: readonly string[];
  /** tmux's name of the key that submits: `Enter`. */
  submitKey: string;
  /** A submit key that comes too early inserts a line break in its box. */
  breaksEarly?: boolean | undefined;
  /** The text is a command of the agent's own. */
  command?: OwnCommand | undefined;
  /** True for the command line of the agent itself, which may have any terminals open. */
  isAgent?: ((argv: readonly string[]) => boolean) | undefined;
  /** The user has described the pane's screen, or said that it may be typed into: what is behind it is not checked. */
  isTrusted?: boolean | undefined;
}

/**
 * Why a pane can't be typed into now. `unreachable`: keys would not reach the agent; `not_ready`: it shows no input box;
 * `unwritable`: what is typed can't be noted on disk; `conversation`: the new conversation that comes first was not begun.
 */
export interface Obstacle {
  by: 'busy' | 'dialog' | 'copy_mode' | 'not_ready' | 'draft' | 'unreachable' | 'unwritable' | 'conversation';
  /** For a person; it may quote the agent's screen. */
  evidence: string;
  /** It is a text of ours. */
  isOurs?: true;
  /** The command that removes it, if looking into the pane does not help. */
  step?: string | undefined;
}

/** Why a pane whose processes are in another pid namespace than the hub can't be checked. */
export const UNSEEN_PROCESSES =
  'its processes cannot be seen from the container (pid namespace) that the hub runs in; `mam hub restart` outside of it starts one that sees them';

/** `gone` is for good: the pane or the agent in it has ended. */
export type Preflight = { shot: Shot } | { obstacle: Obstacle } | { gone: string };

/**
 * Why a shell behind the program in a pane's foreground might run what is typed there.
 * @returns undefined if that program reads it, as far as the system shows, or if the pane is trusted
 */
export function shellRisk(
  target: Pick<Target, 'pane_pid'> & { agent: ProcessId },
  look: Pick<Look, 'isAgent' | 'isTrusted'>,
): string | undefined {
  if (look.isTrusted === true) return undefined;
  if (lifeOf(target.agent) === 'unknown') return UNSEEN_PROCESSES;
  const argv = look.isAgent && commandLineOf(target.agent.pid);
  return argv !== undefined && look.isAgent?.(argv) === true ? undefined : carriedBy(target);
}

/**
 * Checks whether a pane is free to be typed into right now. One round trip, two when the kind has a `draft` pattern.
 * @param glance the pane's current screen, if it has just been read and `shellRisk` was checked; saves both
 * @returns what was found; it does not throw because of tmux or the pane
 */
export async function preflight({ server, target }: Place, look: Look, glance?: Shot): Promise<Preflight> {
  const { draft } = look.patterns;
  let shot: Shot | undefined;
  let bright: string[] = [];
  try {
    shot = glance ?? (await shoot(server, target.pane));
    if (shot !== undefined && draft !== undefined) bright = await captureBright(server, target.pane);
  } catch (error) {
    if (!(error instanceof MamError) || error.code === 'internal') throw error;
    if (error.code === 'not_found') return { gone: error.message };
    return blocked('unreachable', explain(error), 'mam doctor');
  }
  const reason = unfit(shot, target);
  if (reason !== undefined) {
    const { by, why, step } = reason;
    return by === 'gone' ? { gone: why } : blocked(by, why, step && tmuxLine(server, step));
  }
  const risk = glance === undefined ? shellRisk(target, look) : undefined;
  if (risk !== undefined) {
    const step = risk === UNSEEN_PROCESSES ? 'mam hub restart' : undefined;
    return blocked('unreachable', `a shell might run what is typed: ${risk}`, step);
  }
  const lines = shot?.lines ?? [];
  const state = classify(lines, look.patterns);
  if (state === 'dialog' || state === 'busy')
    return blocked(state, find(lines, look.patterns[state]) ?? state);
  const words = find(bright, draft) ?? find(lines, look.patterns.blankDraft);
  if (words !== undefined) return blocked('draft', words);
  const other = otherHub(shot?.claim ?? '');
  if (other !== undefined) {
    const evidence = `another hub of yours, with its own MAM_HOME (process ${other}), is typing there`;
    return blocked('busy', evidence);
  }
  const own = shot !== undefined && draft === undefined ? ownFormAtCursor(shot) : undefined;
  if (own !== undefined) return { obstacle: { by: 'draft', evidence: unsent(own), isOurs: true } };
  if (look.patterns.ready !== undefined && state !== 'ready')
    return blocked('not_ready', 'the screen shows no input box that is ready');
  return { shot: shot as Shot };
}

function blocked(by: Obstacle['by'], evidence: string, step?: string): Preflight {
  return { obstacle: { by, evidence, ...(step !== undefined && { step }) } };
}

/** A tmux command as one types it into a shell. */
function tmuxLine({ socketPath }: TmuxServer, words: readonly string[]): string {
  return ['tmux', '-S', socketPath, ...words].map(shellWord).join(' ');
}
