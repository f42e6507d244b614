import { setTimeout as sleep } from 'node:timers/promises';
import { builtIn } from '../../agents/index.ts';
import { cleanLine } from '../../base/text.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import { letters, type Sameness } from '../dialogs/same-call.ts';
import { compareDialog, dialogOn, type ShownDialog } from '../dialogs/shown-dialog.ts';
import type { AgentPane } from '../panes/agent-pane.ts';
import type { Permission } from './permission-state.ts';

/** How often (ms) the dialog is looked at. */
const LOOK_MS = 50;
const SETTLE_MS = 300;
/** A dialog that is still being drawn is given so many looks. */
const STEADY_TRIES = 5;
/** How long (ms) a dialog that was never seen may take to come up, and one that was seen to be drawn anew. */
const SHOWN_MS = 4_000;
const REDRAWN_MS = 500;

/** What became of a decision that had to be typed. */
export type Pressed =
  | { kind: 'pressed'; keys: string; screen: string }
  | { kind: 'gone'; why: string }
  | { kind: 'refused'; why: string; hint: string };

/**
 * Answers a permission dialog by its key: only when the very dialog of the request is on the screen, under the same
 * guards as any key.
 * @param known what is known of the request: its dialog as it was seen, what a hook told of it
 * @param mayPress asked before the first key: false when the request is open no more
 */
export async function pressDecision(
  pane: AgentPane | undefined,
  record: JobRecord,
  request: PeerRequest,
  { dialog, told }: Pick<Permission, 'dialog' | 'told'>,
  decision: 'allow' | 'deny',
  mayPress: (keys: string) => Promise<boolean>,
): Promise<Pressed> {
  const known = builtIn(record.agent)?.permission?.[decision];
  if (pane === undefined || record.agent_process === undefined || known === undefined) {
    return {
      kind: 'refused',
      why: `How a dialog of agent kind ${record.agent} is answered is not known.`,
      hint: inThePane(record),
    };
  }
  let lines: readonly string[] = [];
  const look = async () => {
    lines = (await pane.look())?.lines ?? [];
    return dialogOn(lines, record);
  };
  /** A picture may be taken in the middle of a drawing: a dialog is gone when it stays away. */
  const lookFor = async (ms: number) => {
    const patience = performance.now() + ms;
    let shown = await look();
    while (shown === undefined && performance.now() < patience) {
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
  const compare = (shown: ShownDialog | undefined): Sameness =>
    compareDialog(shown, request, { seen: dialog, told });
  const isIts = (shown: ShownDialog | undefined): boolean =>
    shown?.name === 'permission' &&
    // A denial runs nothing: what the dialog leaves out need not be seen for it.
    (shown.whole || (decision === 'deny' && shown.isRead)) &&
    compare(shown) === 'same';
  if (before === undefined || first === undefined)
    return { kind: 'gone', why: 'The dialog is not on the screen any more.' };
  if (before.key !== first.key)
    return {
      kind: 'refused',
      why: 'The screen keeps changing, so no key was pressed.',
      hint: before.isRead ? 'Try again.' : inThePane(record),
    };
  if (!isIts(before)) return notIts(record, before, compare(before));
  const keysOf = (shown: ShownDialog) => (decision === 'allow' && shown.choice?.allow) || known;
  const keys = keysOf(before);
  // The dialog may be that of the next request, which asks for the same.
  if (!(await mayPress(keys.join(' '))))
    return { kind: 'gone', why: 'The request was settled before a key was pressed.' };
  let screen = '';
  for (const [at, key] of keys.entries()) {
    // A key that moves the choice has done so when the rest of the keys is what the dialog asks for.
    const isNext = (shown: ShownDialog | undefined): shown is ShownDialog =>
      shown !== undefined && isIts(shown) && keysOf(shown).join() === keys.slice(at).join();
    for (const end = performance.now() + REDRAWN_MS; at > 0 && !isNext(before) && performance.now() < end; ) {
      await sleep(LOOK_MS);
      before = (await look()) ?? before;
    }
    screen = lines.join('\n');
    const why = await pane.press(key, {
      mayPress: (rows) => isNext(dialogOn(rows, record)),
      rows: [...rowsOf(before, lines), ...(before.choice === undefined ? [] : [before.choice.row])],
    });
    if (why !== undefined) {
      return {
        kind: 'refused',
        why: at === 0 ? `No key was pressed: ${why}.` : `The choice was moved, and not made: ${why}.`,
        hint: 'Try again, or answer in the pane.',
      };
    }
  }
  return { kind: 'pressed', keys: keys.join(' '), screen };
}

/** Why a dialog that stands on the screen is not answered. */
function notIts(record: JobRecord, { name, isRead, tool, input }: ShownDialog, sameness: Sameness): Pressed {
  if (sameness === 'other') {
    return {
      kind: 'refused',
      why: `The screen shows another dialog now (${cleanLine(`${tool}: ${input}`, 200)}), so no key was pressed.`,
      hint: `Nothing was decided. Call wait_job: it tells of that dialog as a request of its own. A person can see it: ${attach(record)}`,
    };
  }
  const why =
    name !== 'permission'
      ? 'This dialog asks for something else than a permission, so which key answers it is not known.'
      : isRead && sameness === 'same'
        ? 'The dialog does not show all that it asks for, so no key was pressed.'
        : 'The dialog on the screen can not be read well enough to be sure that it is this request, so no key was pressed.';
  return { kind: 'refused', why, hint: inThePane(record) };
}

function inThePane(record: JobRecord): string {
  return `A person must answer it in the pane: ${attach(record)}`;
}

function attach({ job_id: id }: JobRecord): string {
  return `mam attach ${id}`;
}

/** The rows of the screen that hold what a dialog asks for: tmux itself looks for them when the key is pressed. */
function rowsOf(dialog: ShownDialog, lines: readonly string[]): string[] {
  const text = letters(`${dialog.tool} ${dialog.input}`);
  return lines.filter((line) => {
    const words = letters(line.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ''));
    return words !== '' && text.includes(words);
  });
}
