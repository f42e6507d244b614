import { randomSuffix } from '../base/ids.ts';
import { lifeOf, type ProcessId } from '../base/process-id.ts';
import { foregroundGroup } from '../base/processes.ts';
import type { TmuxServer } from './control.ts';
import { TYPING_OPTION } from './marks.ts';
import { isShell, shellInFront } from './process.ts';
import { formatLiteral, quote } from './quote.ts';
import { type Shot, STATE_FORMAT } from './screen.ts';
import { ourClaim } from './typing-claim.ts';

/** The most rows that tmux is asked to check. */
const MOST_ROWS = 40;

/** The agent that keys are meant for; found once, when the job is delegated. */
export interface Target {
  /** tmux pane id, such as `%3`. */
  pane: string;
  pane_pid: number;
  agent: ProcessId & { command: string };
}

/** An agent in its pane, and the tmux server that it is on. */
export interface Place {
  server: TmuxServer;
  target: Target;
}

/** Why keys would not reach the agent. */
export interface Unfit {
  by: 'gone' | 'unreachable' | 'copy_mode';
  why: string;
  /** The tmux command that helps, in words. */
  step?: string[];
}

/** Decides from one look whether keys would reach the agent, and nothing else. Returns undefined when they would. */
export function unfit(shot: Shot | undefined, target: Target): Unfit | undefined {
  const { pane, agent } = target;
  const gone = (why: string): Unfit => ({ by: 'gone', why });
  const unreachable = (why: string, step?: string[]): Unfit => ({
    by: 'unreachable',
    why,
    ...(step && { step }),
  });
  if (shot === undefined) return gone(`pane ${pane} no longer exists`);
  if (shot.dead) return gone(`the program in pane ${pane} has ended`);
  if (shot.pane_pid !== target.pane_pid) return gone(`pane ${pane} holds another program than before`);
  const life = lifeOf(agent);
  if (life === 'gone') return gone(`${agent.command} (process ${agent.pid}) in pane ${pane} has ended`);
  if (isShell(shot.command)) return unreachable(shellInFront({ ...shot, visible: life !== 'unknown' }));
  // In another pid namespace only tmux itself sees what is in front.
  const group = life === 'unknown' ? undefined : foregroundGroup(shot.pane_pid);
  if (group === undefined ? shot.command !== agent.command : group !== agent.pid)
    return unreachable(`${shot.command} is in the foreground, not ${agent.command}`);
  if (shot.input_off)
    return unreachable('input to the pane is switched off (select-pane -d)', [
      'select-pane',
      '-e',
      '-t',
      pane,
    ]);
  if (shot.synchronized) {
    // The option may be set on the window, or on its pane alone.
    const step = ['set-option', '-p', '-t', pane, 'synchronize-panes', 'off'];
    return unreachable('synchronize-panes is on: keys would reach the other panes too', step);
  }
  return shot.in_mode ? { by: 'copy_mode', why: 'the pane is in copy mode' } : undefined;
}

/**
 * Pastes a text if the pane is still as in the given look: alive, with the same process and foreground program, not in copy
 * mode, and without another hub's text. The test, the paste and our claim are one tmux command.
 * @param shot the last look, which was found fit
 * @returns undefined when pasted, else what tmux saw
 */
export function paste({ server, target: { pane } }: Place, shot: Shot, text: string) {
  const buffer = `mam-${randomSuffix()}`;
  const claim = `set-option -p -t ${quote(pane)} ${TYPING_OPTION} ${quote(ourClaim())}`;
  const keys = `paste-buffer -p -r -d -b ${buffer} -t ${quote(pane)} ; ${claim}`;
  const unclaimed = `#{==:#{${TYPING_OPTION}},${formatLiteral(shot.claim ?? '')}}`;
  const set = `set-buffer -b ${buffer} -- ${quote(text)} ; `;
  return run(server, set + guarded(pane, shot, keys, `delete-buffer -b ${buffer} ; `, [unclaimed]));
}

/**
 * Presses keys, with nothing between them, under the same guard as `paste`.
 * @param seen more formats that must be true at that time
 * @returns undefined when pressed, else what tmux saw
 */
export function press(
  { server, target: { pane } }: Place,
  shot: Shot,
  keys: readonly string[],
  seen: readonly string[] = [],
) {
  const send = `send-keys -t ${quote(pane)} ${keys.map(quote).join(' ')}`;
  return run(server, guarded(pane, shot, send, '', seen));
}

/** Formats that are true while the cursor, and every row from the given one to the cursor's, are unchanged. */
export function isSameBox({ cursor_x: x, cursor_y: y, lines }: Shot, from: number): string[] {
  const rows = lines.slice(from, y + 1).filter((row) => row !== '');
  return [`#{==:#{cursor_x}|#{cursor_y},${x}|${y}}`, ...rows.slice(-MOST_ROWS).map(isShown)];
}

/** Formats that are true while the screen shows each of these rows. */
export function areShown(rows: readonly string[]): string[] {
  return rows.slice(0, MOST_ROWS).map(isShown);
}

/** @param seen formats that must be true as well */
function guarded(pane: string, shot: Shot, keys: string, otherwise: string, seen: readonly string[]): string {
  const state = `0|0|${shot.pane_pid}|0|0|${formatLiteral(shot.command)}`;
  const condition = allOf([`#{==:${STATE_FORMAT},${state}}`, ...seen]);
  const refused = `${otherwise}display-message -p -t ${quote(pane)} ${quote(`REFUSED ${STATE_FORMAT}`)}`;
  return `if-shell -F -t ${quote(pane)} ${quote(condition)} ${quote(`${keys} ; display-message -p DONE`)} ${quote(refused)}`;
}

/** A format that is true when all of the given ones are. It is a tree, because tmux limits nesting. */
function allOf(formats: readonly string[]): string {
  const half = Math.ceil(formats.length / 2);
  if (formats.length < 2) return formats[0] ?? '1';
  return `#{&&:${allOf(formats.slice(0, half))},${allOf(formats.slice(half))}}`;
}

/** A format that is true while the screen shows a row; characters special to tmux or a pattern match any character. */
function isShown(row: string): string {
  const pattern = row.replace(/[^A-Za-z0-9 _=%@"'<>&;!~/-]+/g, (signs) =>
    /^[ -~]+$/.test(signs) ? '.'.repeat(signs.length) : '.+',
  );
  return `#{C/r:^${pattern}$}`;
}

async function run(server: TmuxServer, command: string): Promise<string | undefined> {
  const lines = await server.command(command);
  return lines.includes('DONE') ? undefined : (lines[0] ?? 'REFUSED');
}
