import { setTimeout as sleep } from 'node:timers/promises';
import { builtIn } from '../../agents/index.ts';
import { cleanLine } from '../../base/text.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import { letters, type Sameness } from '../dialogs/same-call.ts';
import { compareDialog, dialogOn, type ShownDialog } from '../dialogs/shown-dialog.ts';
import type { AgentPane } from '../panes/agent-pane.ts';
import type { Permission } from './permission-state.ts';

/** How often (ms) to look at the dialog. */
const DIALOG_POLL_MS = 50;
const SETTLE_MS = 300;
/** How often to look again at a dialog that is still being drawn. */
const STEADY_TRIES = 5;
/** How long (ms) a dialog that was never seen may take to appear, and one that was seen to be redrawn. */
const DIALOG_TIMEOUT_MS = 4_000;
const REDRAW_TIMEOUT_MS = 500;

/** The result of a decision that had to be typed. */
export type Pressed =
  | { kind: 'pressed'; keys: string; screen: string }
  | { kind: 'gone'; why: string }
  | { kind: 'refused'; why: string; hint: string };

/**
 * Answers a permission dialog by its key, only while the dialog of exactly this request is on the screen, and under the
 * same guards as any key.
 * @param known what is known about the request: its dialog as it was seen, and what a hook reported
 * @param mayPress asked before the first key: false when the request is no longer open
 */
export async function pressDecision(
  pane: AgentPane | undefined,
  record: JobRecord,
  request: PeerRequest,
  { dialog: seen, told }: Pick<Permission, 'dialog' | 'told'>,
  decision: 'allow' | 'deny',
  mayPress: (keys: string) => Promise<boolean>,
): Promise<Pressed> {
  const usual = builtIn(record.agent)?.permission?.[decision];
  if (pane === undefined || record.agent_process === undefined || usual === undefined) {
    return inThePane(record, `it is not known how a dialog of agent kind ${record.agent} is answered.`);
  }
  let lines: readonly string[] = [];
  const look = async () => {
    lines = (await pane.look())?.lines ?? [];
    return dialogOn(lines, record);
  };
  // Some agents report a request before they draw its dialog.
  const { dialog, isSteady } = await steadyDialog(
    look,
    seen === undefined ? DIALOG_TIMEOUT_MS : REDRAW_TIMEOUT_MS,
  );
  if (dialog === undefined) return { kind: 'gone', why: 'The dialog is no longer on the screen.' };
  if (!isSteady) {
    const why = 'the screen keeps changing, so no key was pressed.';
    return dialog.isRead ? { kind: 'refused', why, hint: 'Try again.' } : inThePane(record, why);
  }
  const compare = (shown: ShownDialog): Sameness => compareDialog(shown, request, { seen, told });
  const isIts: Test = (shown) =>
    shown?.name === 'permission' &&
    // A denial runs nothing, so what the dialog leaves out need not be seen.
    (shown.whole || (decision === 'deny' && shown.isRead)) &&
    compare(shown) === 'same';
  if (!isIts(dialog)) return notIts(record, dialog, compare(dialog));
  const keysOf = (shown: ShownDialog) => (decision === 'allow' && shown.choice?.allow) || usual;
  const keys = keysOf(dialog);
  // The dialog may belong to the next request, which asks for the same.
  if (!(await mayPress(keys.join(' '))))
    return { kind: 'gone', why: 'The request was settled before a key was pressed.' };
  let screen = '';
  for (const [at, key] of keys.entries()) {
    // A key that moves the selection has done so when the dialog asks for exactly the remaining keys.
    const rest = keys.slice(at).join();
    const isNext: Test = (shown) => shown !== undefined && isIts(shown) && keysOf(shown).join() === rest;
    const { choice, ...shown } = (at > 0 && (await lookUntil(look, isNext, REDRAW_TIMEOUT_MS))) || dialog;
    screen = lines.join('\n');
    const rows = [...rowsOf(shown, lines), ...(choice === undefined ? [] : [choice.row])];
    const problem = await pane.press(key, { mayPress: (now) => isNext(dialogOn(now, record)), rows });
    const done = at === 0 ? 'No key was pressed' : 'The selection was moved but not confirmed';
    if (problem !== undefined)
      return { kind: 'refused', why: `${done}: ${problem}.`, hint: 'Try again, or answer in the pane.' };
  }
  return { kind: 'pressed', keys: keys.join(' '), screen };
}

type Look = () => Promise<ShownDialog | undefined>;
type Test = (shown: ShownDialog | undefined) => boolean;

const isThere: Test = (shown) => shown !== undefined;

/** Looks until a dialog is as wanted, for `ms` at most. @returns the last one that was seen */
async function lookUntil(look: Look, isWanted: Test, ms: number): Promise<ShownDialog | undefined> {
  let last: ShownDialog | undefined;
  for (const end = performance.now() + ms; ; await sleep(DIALOG_POLL_MS)) {
    last = (await look()) ?? last;
    if (isWanted(last) || performance.now() >= end) return last;
  }
}

/** The dialog once it no longer changes, or the last one on a screen that keeps changing; none when it stays away. */
async function steadyDialog(look: Look, ms: number) {
  // The screen may be read while it is being drawn: a dialog is gone only when it stays away.
  let dialog = await lookUntil(look, isThere, ms);
  // Claude Code 2.1.330 ignores keys in the first 150 ms of a dialog, and Gemini CLI 0.61.0 draws one in two steps.
  for (let tries = 0; dialog !== undefined && tries < STEADY_TRIES; tries++) {
    await sleep(SETTLE_MS);
    const { key } = dialog;
    dialog = await lookUntil(look, isThere, REDRAW_TIMEOUT_MS);
    if (dialog?.key === key) return { dialog, isSteady: true };
  }
  return { dialog, isSteady: false };
}

/** Why the dialog on the screen is not answered. */
function notIts(record: JobRecord, { name, isRead, tool, input }: ShownDialog, sameness: Sameness): Pressed {
  if (sameness === 'other') {
    return {
      kind: 'refused',
      why: `The screen shows another dialog now (${cleanLine(`${tool}: ${input}`, 200)}), so no key was pressed.`,
      hint: `Nothing was decided. Call wait_job: it reports that dialog as a separate request. A person can see it: mam attach ${record.job_id}`,
    };
  }
  const why =
    name !== 'permission'
      ? 'this dialog asks for something other than a permission, so it is not known which key answers it.'
      : isRead && sameness === 'same'
        ? 'the dialog does not show all that it asks for, so no key was pressed.'
        : 'the dialog on the screen cannot be read well enough to be sure that it is this request, so no key was pressed.';
  return inThePane(record, why);
}

/** The refusal of a decision that only a person can give, in the pane: that step comes first. */
function inThePane({ job_id: id }: JobRecord, why: string): Pressed {
  return {
    kind: 'refused',
    why: `\`mam attach ${id}\`: a person must answer it in its pane, because ${why}`,
    hint: '',
  };
}

/** The rows of the screen with what a dialog asks for: tmux itself checks them when the key is pressed. */
function rowsOf(dialog: ShownDialog, lines: readonly string[]): string[] {
  const text = letters(`${dialog.tool} ${dialog.input}`);
  return lines.filter((line) => {
    const words = letters(line.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ''));
    return words !== '' && text.includes(words);
  });
}
