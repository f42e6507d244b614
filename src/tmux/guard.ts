import { randomSuffix } from '../base/ids.ts';
import { lifeOf, type ProcessId } from '../base/process-id.ts';
import { foregroundGroup } from '../base/processes.ts';
import type { TmuxServer } from './control.ts';
import { TYPING_OPTION } from './marks.ts';
import { isShell, shellInFront } from './process.ts';
import { formatLiteral, quote } from './quote.ts';
import { type Shot, STATE_FORMAT } from './screen.ts';
import { ourClaim } from './typing-claim.ts';

/** So many rows tmux is asked to look for. */
const MOST_ROWS = 40;

/** Whom keys are meant for; taken once, when the job is delegated. */
export interface Target {
  /** tmux pane id, such as `%3`. */
  pane: string;
  pane_pid: number;
  agent: ProcessId & { command: string };
}

/** Why a look at the pane forbids typing. */
export type Unfit = { gone: string } | { unreachable: string; step?: string[] } | { copyMode: string };

/** Decides from one look whether keys would reach the agent, and nobody else. Returns nothing when they would. */
export function unfit(shot: Shot | undefined, target: Target): Unfit | undefined {
  const { pane, agent } = target;
  if (shot === undefined) return { gone: `pane ${pane} no longer exists` };
  if (shot.dead) return { gone: `the program in pane ${pane} has ended` };
  if (shot.pane_pid !== target.pane_pid) return { gone: `pane ${pane} holds another program than before` };
  const life = lifeOf(agent);
  if (life === 'gone') return { gone: `${agent.command} (process ${agent.pid}) in pane ${pane} has ended` };
  if (isShell(shot.command)) return { unreachable: shellInFront({ ...shot, visible: life !== 'unknown' }) };
  // In another pid namespace only tmux itself sees what is in front.
  const group = life === 'unknown' ? undefined : foregroundGroup(shot.pane_pid);
  if (group === undefined ? shot.command !== agent.command : group !== agent.pid) {
    return { unreachable: `${shot.command} is in the foreground, not ${agent.command}` };
  }
  if (shot.input_off) {
    const step = ['select-pane', '-e', '-t', pane];
    return { unreachable: 'input to the pane is switched off (select-pane -d)', step };
  }
  if (shot.synchronized) {
    // Of the window, or of its pane alone.
    const off = ['set-option', '-p', '-t', pane, 'synchronize-panes', 'off'];
    return { unreachable: 'synchronize-panes is on: keys would reach the other panes too', step: off };
  }
  if (shot.in_mode) return { copyMode: 'the pane is in copy mode' };
  return undefined;
}

/**
 * Pastes a text, if in that very moment the pane is as in the given look: alive, the same process, the same foreground
 * program, not in copy mode, no other hub's text in it. The test, the paste and our claim are one tmux command.
 * @param shot the last look, found fit
 * @returns nothing when pasted, else what tmux saw
 */
export function paste(
  server: TmuxServer,
  pane: string,
  shot: Shot,
  text: string,
): Promise<string | undefined> {
  const buffer = `mam-${randomSuffix()}`;
  const claim = `set-option -p -t ${quote(pane)} ${TYPING_OPTION} ${quote(ourClaim())}`;
  const keys = `paste-buffer -p -r -d -b ${buffer} -t ${quote(pane)} ; ${claim}`;
  const unclaimed = `#{==:#{${TYPING_OPTION}},${formatLiteral(shot.claim ?? '')}}`;
  const set = `set-buffer -b ${buffer} -- ${quote(text)} ; `;
  return run(server, set, guarded(pane, shot, keys, `delete-buffer -b ${buffer}`, [unclaimed]));
}

/**
 * Presses a key under the same guard as `paste`.
 * @returns nothing when pressed, else what tmux saw
 */
export function press(
  server: TmuxServer,
  pane: string,
  shot: Shot,
  key: string,
): Promise<string | undefined> {
  return pressIf(server, pane, shot, [key], []);
}

/** The same while the cursor stands where it was, and every row up to it, from the given one on, is as it was. */
export function pressOnBox(
  server: TmuxServer,
  pane: string,
  shot: Shot,
  key: string,
  from: number,
): Promise<string | undefined> {
  const { cursor_x: x, cursor_y: y, lines } = shot;
  const rows = lines.slice(from, y + 1).filter((row) => row !== '');
  const cursor = `#{==:#{cursor_x}|#{cursor_y},${x}|${y}}`;
  return pressIf(server, pane, shot, [key], [cursor, ...rows.slice(-MOST_ROWS).map(isShown)]);
}

/** The same for several keys, which nothing can come between. */
export function pressAll(
  server: TmuxServer,
  pane: string,
  shot: Shot,
  keys: readonly string[],
  seen: string,
): Promise<string | undefined> {
  return pressIf(server, pane, shot, keys, [`#{C:${seen}}`]);
}

/** The same while the screen shows each of these rows as it is. */
export function pressOnRows(
  server: TmuxServer,
  pane: string,
  shot: Shot,
  key: string,
  rows: readonly string[],
): Promise<string | undefined> {
  return pressIf(server, pane, shot, [key], rows.slice(0, MOST_ROWS).map(isShown));
}

function pressIf(
  server: TmuxServer,
  pane: string,
  shot: Shot,
  keys: readonly string[],
  seen: readonly string[],
): Promise<string | undefined> {
  const send = `send-keys -t ${quote(pane)} ${keys.map(quote).join(' ')}`;
  return run(server, '', guarded(pane, shot, send, '', seen));
}

/** @param seen formats that must be true as well */
function guarded(
  pane: string,
  shot: Shot,
  keys: string,
  otherwise: string,
  seen: readonly string[] = [],
): string {
  const state = `0|0|${shot.pane_pid}|0|0|${formatLiteral(shot.command)}`;
  const same = `#{==:${STATE_FORMAT},${state}}`;
  const condition = allOf([same, ...seen]);
  const refused = `${otherwise === '' ? '' : `${otherwise} ; `}display-message -p -t ${quote(pane)} ${quote(`REFUSED ${STATE_FORMAT}`)}`;
  return `if-shell -F -t ${quote(pane)} ${quote(condition)} ${quote(`${keys} ; display-message -p DONE`)} ${quote(refused)}`;
}

/** A format that is true when all of them are. tmux nests only so deep, so it is a tree. */
function allOf(formats: readonly string[]): string {
  const half = Math.ceil(formats.length / 2);
  if (half < 1 || formats.length === 1) return formats[0] ?? '1';
  return `#{&&:${allOf(formats.slice(0, half))},${allOf(formats.slice(half))}}`;
}

/** A format that is true while the screen shows a row as it is. */
function isShown(row: string): string {
  return `#{C/r:${wholeRow(row)}}`;
}

/** A pattern for a whole row of the screen. Signs that mean something to tmux or to a pattern stand for any sign. */
function wholeRow(row: string): string {
  const pattern = row.replace(/[^A-Za-z0-9 _=%@"'<>&;!~/-]+/g, (signs) =>
    /^[ -~]+$/.test(signs) ? '.'.repeat(signs.length) : '.+',
  );
  return `^${pattern}$`;
}

async function run(server: TmuxServer, before: string, guard: string): Promise<string | undefined> {
  const lines = await server.command(before + guard);
  return lines.includes('DONE') ? undefined : (lines[0] ?? 'REFUSED');
}
