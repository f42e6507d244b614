import { setTimeout as sleep } from 'node:timers/promises';
import { builtIn } from '../agents/index.ts';
import type { JobRecord, PeerRequest } from '../job/record.ts';
import { pressKey } from '../tmux/deliver.ts';
import { shoot } from '../tmux/screen.ts';
import type { Known } from './known-permissions.ts';
import { letters } from './same-call.ts';
import { compareDialog, dialogOn, type ShownDialog } from './shown-dialog.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** How long (ms) the dialog may take to go away after its key, and how often it is looked at. */
const GONE_MS = 3_000;
const LOOK_MS = 50;
const SETTLE_MS = 300;
/** A dialog that is still being drawn is given so many looks. */
const STEADY_TRIES = 5;
/** How long (ms) a dialog that was never seen may take to come up, and one that was seen to be drawn anew. */
const SHOWN_MS = 4_000;
const REDRAWN_MS = 500;

/** What became of a decision that had to be typed. */
export type Pressed =
  | { kind: 'done'; evidence: string }
  | { kind: 'gone'; why: string }
  | { kind: 'refused'; why: string; hint: string };

/**
 * Answers a permission dialog by its key: only when the very dialog of the request is on the screen, under the same
 * guards as any key.
 * @param known what is known of the request: its dialog as it was seen, what a hook told of it
 * @param mayPress asked right before the first key: false when the request is open no more
 */
export async function pressDecision(
  servers: TmuxServers,
  record: JobRecord,
  request: PeerRequest,
  { dialog, told }: Known,
  decision: 'allow' | 'deny',
  mayPress: () => boolean,
): Promise<Pressed> {
  const { agent_session: session, agent_process: agent } = record;
  const keys = builtIn(record.agent)?.permission?.[decision];
  if (session === undefined || agent === undefined || keys === undefined) {
    return {
      kind: 'refused',
      why: `How a dialog of agent kind ${record.agent} is answered is not known.`,
      hint: 'Answer it in the pane: attach with the attach_command of job_status.',
    };
  }
  const server = servers.get(session.socket);
  let lines: readonly string[] = [];
  const look = async () => {
    lines = (await shoot(server, session.pane))?.lines ?? [];
    return dialogOn(lines, record);
  };
  /** A picture may be taken in the middle of a drawing: a dialog is gone when it stays away. */
  const lookFor = async (ms: number) => {
    const patience = Date.now() + ms;
    let shown = await look();
    while (shown === undefined && Date.now() < patience) {
      await sleep(LOOK_MS);
      shown = await look();
    }
    return shown;
  };
  // Some agents tell of a request before they draw its dialog.
  let first = await lookFor(dialog === undefined ? SHOWN_MS : REDRAWN_MS);
  // Claude Code 2.1.330 ignores keys in the first 150 ms of a dialog, and Gemini CLI 0.61.0 draws one in two steps.
  let before = first;
  for (let tries = 0; first !== undefined && tries < STEADY_TRIES; tries++) {
    await sleep(SETTLE_MS);
    before = await lookFor(REDRAWN_MS);
    if (before?.key === first.key) break;
    first = before;
  }
  const isIts = (shown: ShownDialog | undefined): boolean =>
    shown?.name === 'permission' &&
    shown.whole &&
    compareDialog(shown, request, { seen: dialog, told }) === 'same';
  const same = isIts(before) && before?.key === first?.key;
  if (before === undefined || first === undefined)
    return { kind: 'gone', why: 'The dialog is not on the screen any more.' };
  if (!same) {
    return {
      kind: 'refused',
      why: `The screen shows another dialog now (${before.tool}: ${before.input.slice(0, 200)}), so no key was pressed.`,
      hint: 'Look at job_status for the request that is open now, and answer that.',
    };
  }
  const screen = lines.join('\n');
  const target = { pane: session.pane, pane_pid: agent.pane_pid, agent };
  // The dialog may be that of the next request, which asks for the same.
  if (!mayPress()) return { kind: 'gone', why: 'The request was settled before a key was pressed.' };
  for (const key of keys) {
    const why = await pressKey(server, target, key, {
      mayPress: (rows) => isIts(dialogOn(rows, record)),
      rows: rowsOf(before, lines),
    });
    if (why !== undefined) {
      return {
        kind: 'refused',
        why: `No key was pressed: ${why}.`,
        hint: 'Try again, or answer in the pane.',
      };
    }
  }
  for (const end = Date.now() + GONE_MS; Date.now() < end; await sleep(LOOK_MS)) {
    if (await isNotTwice(async () => (await look())?.key === before.key))
      return {
        kind: 'done',
        evidence: `${keys.join(' ')} was pressed (${decision}) and the dialog went away`,
      };
  }
  // The next dialog may look the same; had the key not been taken, nothing else would have changed.
  if (lines.join('\n') !== screen) {
    return {
      kind: 'done',
      evidence: `${keys.join(' ')} was pressed (${decision}); the next dialog looks the same`,
    };
  }
  return {
    kind: 'refused',
    why: `${keys.join(' ')} was pressed, but the dialog is still on the screen.`,
    hint: 'Look into the pane.',
  };
}

/**
 * Waits for a decision that went another way to take effect.
 * @param known what is known of the request: its dialog as it was seen, what a hook told of it
 * @returns false when the dialog of the request is on the screen all the time
 */
export async function dialogLeaves(
  servers: TmuxServers,
  record: JobRecord,
  request: PeerRequest,
  { dialog, told }: Known,
): Promise<boolean> {
  const { agent_session: session } = record;
  if (session === undefined) return true;
  const server = servers.get(session.socket);
  const isThere = async () => {
    const shown = dialogOn((await shoot(server, session.pane))?.lines ?? [], record);
    return compareDialog(shown, request, { seen: dialog, told }) !== 'other';
  };
  for (const end = Date.now() + GONE_MS; Date.now() < end; await sleep(LOOK_MS)) {
    if (await isNotTwice(isThere)) return true;
  }
  return false;
}

/** True when two looks do not show it: one alone may fall into the middle of a drawing. */
async function isNotTwice(isThere: () => Promise<boolean>): Promise<boolean> {
  if (await isThere()) return false;
  await sleep(LOOK_MS);
  return !(await isThere());
}

/** The rows of the screen that hold what a dialog asks for: tmux itself looks for them when the key is pressed. */
function rowsOf(dialog: ShownDialog, lines: readonly string[]): string[] {
  const text = letters(`${dialog.tool} ${dialog.input}`);
  return lines.filter((line) => {
    const words = letters(line.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ''));
    return words !== '' && text.includes(words);
  });
}
