import { MamError } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import type { TmuxServer } from './control.ts';
import { IS_HIDDEN_FORMAT, STARTED_FORMAT } from './marks.ts';
import { quote } from './quote.ts';
import { type Shot, shoot } from './screen.ts';

/** A pane as tmux lists it. */
export interface PaneInfo {
  /** tmux pane id, such as `%3`: the only name that never moves. */
  pane: string;
  session: string;
  /** Seconds since 1970. */
  session_created: number;
  /** Index of the window in its session. */
  window: number;
  window_name: string;
  pane_index: number;
  /** The process that tmux started in the pane. */
  pane_pid: number;
  /** The foreground program's name. */
  command: string;
  dead: boolean;
  /** True in copy mode and the like: keys do not reach the program. */
  in_mode: boolean;
  tty: string;
  /** Seconds since 1970 of the last output in the window. */
  window_activity: number;
  window_panes: number;
  /** True for the active pane of the active window of its session. */
  active: boolean;
  /** The agent kind that we have started in it. */
  started?: string | undefined;
  /** False where its processes are in another pid namespace than we: then the ids mean nothing here. */
  visible: boolean;
}

/** Where a pane is, as a job's record says it. @param socket of its server */
export function sessionOf({ session, window, pane, session_created }: PaneInfo, socket: string) {
  return { socket, session, window, pane, session_created };
}

/** A session's name that can mean nothing else to tmux. */
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_ -]*$/;

const PANE_FORMAT = [
  ...['#{pane_id}', '#{session_id}', '#{window_id}', '#{window_index}', '#{pane_index}', '#{pane_pid}'],
  ...['#{pane_dead}', '#{pane_in_mode}', '#{pane_tty}', '#{window_activity}', '#{window_panes}'],
  ...[
    '#{?#{&&:#{window_active},#{pane_active}},1,0}',
    `#{?${IS_HIDDEN_FORMAT},1,0}`,
    STARTED_FORMAT,
    '#{pane_current_command}',
  ],
].join(' ');

/**
 * Every pane of every session but our hidden ones.
 * @throws MamError `not_found` when no server runs, `unavailable` when tmux is missing or ends
 */
export async function listPanes(server: TmuxServer): Promise<PaneInfo[]> {
  // Names may hold spaces: each is the last field of a listing of its own.
  const [panes, windows, sessions] = await Promise.all([
    server.command(`list-panes -a -F ${quote(PANE_FORMAT)}`),
    server.command(`list-windows -a -F ${quote('#{window_id} #{window_name}')}`),
    server.command(`list-sessions -F ${quote('#{session_id} #{session_created} #{session_name}')}`),
  ]);
  const windowNames = new Map(windows.map((line) => split(line, 1) as [string, string]));
  const sessionNames = new Map(
    sessions.map((line) => {
      const [id, created, name] = split(line, 2);
      return [id, { name: name ?? '', created: Number(created) }];
    }),
  );
  return panes.flatMap((line) => {
    const { sessionId, windowId, hidden, ...pane } = parsePane(line);
    const session = sessionNames.get(sessionId);
    if (session === undefined || hidden) return [];
    return {
      ...pane,
      visible: server.seesProcesses,
      session: session.name,
      session_created: session.created,
      window_name: windowNames.get(windowId) ?? '',
    };
  });
}

/**
 * The pane that an address means, in one round trip for the plain name of a session with one pane, however many others
 * there are; with a look at it, taken at the same moment.
 * @throws MamError as `listPanes` and `resolveAddress`
 */
export async function findPane(
  server: TmuxServer,
  address: string,
): Promise<{ pane: PaneInfo; glance: Shot | undefined }> {
  const name = address.trim().replace(/^tmux:/, '');
  if (PLAIN_NAME.test(name)) {
    const [listed, seen] = await Promise.allSettled([
      server.command(
        `list-panes -s -t ${quote(`=${name}:`)} -F ${quote(`#{session_created} ${PANE_FORMAT}`)}`,
      ),
      shoot(server, `=${name}:`),
    ]);
    // What this misses, the whole list tells in better words.
    const rows = listed.status === 'fulfilled' ? listed.value : [];
    const glance = seen.status === 'fulfilled' ? seen.value : undefined;
    const [row] = rows;
    if (row !== undefined && rows.length === 1) {
      const [created, line = ''] = split(row, 1);
      const { sessionId: _, windowId: __, hidden, ...pane } = parsePane(line);
      if (!hidden)
        return {
          pane: {
            ...pane,
            visible: server.seesProcesses,
            session: name,
            session_created: Number(created),
            window_name: '',
          },
          glance: glance?.pane_pid === pane.pane_pid ? glance : undefined,
        };
    }
  }
  return { pane: resolveAddress(await listPanes(server), address, server.socketPath), glance: undefined };
}

/** What of a pane its line does not tell. */
type Elsewhere = 'session' | 'session_created' | 'window_name' | 'visible';

/** A line of `PANE_FORMAT`. */
function parsePane(line: string): Omit<PaneInfo, Elsewhere> & {
  sessionId: string;
  windowId: string;
  hidden: boolean;
} {
  const fields = split(line, 14);
  const [pane = '', sessionId = '', windowId = '', window, index, pid, dead, mode, tty = ''] = fields;
  const [activity, count, active, hidden, started = '', command = ''] = fields.slice(9);
  return {
    pane,
    sessionId,
    windowId,
    hidden: hidden === '1',
    window: Number(window),
    pane_index: Number(index),
    pane_pid: Number(pid),
    command,
    dead: dead === '1',
    in_mode: mode !== '0',
    tty,
    window_activity: Number(activity),
    window_panes: Number(count),
    active: active === '1',
    ...(started !== '' && { started }),
  };
}

/** The first `count` words of a line, and the rest of it whole. */
function split(line: string, count: number): string[] {
  const words = line.split(' ');
  return [...words.slice(0, count), words.slice(count).join(' ')];
}

/**
 * The one pane that an address means: `NAME`, `tmux:NAME`, `tmux:NAME:WINDOW`, `tmux:NAME:WINDOW.PANE` or `tmux:%3`.
 * Names match exactly; WINDOW is an index or a name, PANE an index.
 * @param panes from `listPanes`
 * @param socketPath of their server, for the hint how to start a missing session
 * @throws MamError `bad_input`, `not_found` (with the live sessions) or `refused` (several panes, with the list)
 */
export function resolveAddress(panes: PaneInfo[], address: string, socketPath?: string): PaneInfo {
  const name = address.trim().replace(/^tmux:/, '');
  if (name === '') {
    throw new MamError(
      'bad_input',
      'The address of the agent session is empty.',
      'Write tmux:NAME or tmux:%3.',
    );
  }
  const found = /^%\d+$/.test(name) ? byId(panes, name) : inSession(panes, name);
  const [first] = found;
  if (first === undefined) throw missing(panes, name, socketPath);
  const ours = found.filter(({ started }) => started !== undefined);
  const only = found.length === 1 ? first : ours.length === 1 ? ours[0] : undefined;
  if (only === undefined) {
    const list = found.map((pane) => `tmux:${pane.pane} (${pane.dead ? 'dead' : pane.command})`).join(', ');
    throw new MamError(
      'refused',
      `tmux:${name} has ${found.length} panes and none is clearly the agent.`,
      `Name one: ${list}.`,
    );
  }
  return only;
}

/** @throws MamError `refused` where a session of another pane has the id's form for its name */
function byId(panes: PaneInfo[], id: string): PaneInfo[] {
  const pane = panes.find((one) => one.pane === id);
  const namesakes = panes.filter((one) => one.session === id && one.pane !== id);
  if (namesakes.length === 0) return pane === undefined ? [] : [pane];
  const inside = namesakes.map((one) => `tmux:${one.pane}`).join(', ');
  const other = pane === undefined ? 'no pane' : `a pane of session ${pane.session}`;
  throw new MamError(
    'refused',
    `tmux:${id} is the id of ${other}, and the name of a session with the panes ${inside}.`,
    'Give that session another name: tmux rename-session.',
  );
}

function inSession(panes: PaneInfo[], name: string): PaneInfo[] {
  const whole = panes.filter((pane) => pane.session === name);
  const colon = name.lastIndexOf(':');
  if (whole.length > 0) return whole;
  if (colon > 0) {
    const session = tmuxName(name.slice(0, colon));
    const place = name.slice(colon + 1);
    const dot = place.lastIndexOf('.');
    const inside = panes.filter((pane) => pane.session === session);
    const exact = inside.filter((pane) => isWindow(pane, place));
    if (exact.length > 0) return exact;
    const window = place.slice(0, dot);
    const chosen = inside.filter(
      (pane) => dot > 0 && isWindow(pane, window) && String(pane.pane_index) === place.slice(dot + 1),
    );
    if (inside.length > 0) return chosen;
  }
  return panes.filter((pane) => pane.session === tmuxName(name));
}

function isWindow(pane: PaneInfo, window: string): boolean {
  return String(pane.window) === window || pane.window_name === window;
}

/** A session name as tmux keeps it: `.` and `:` become `_`. */
function tmuxName(name: string): string {
  return name.replace(/[.:]/g, '_');
}

function missing(panes: PaneInfo[], name: string, socketPath: string | undefined): MamError {
  const tmux = socketPath === undefined ? 'tmux' : `tmux -S ${shellWord(socketPath)}`;
  const live = [...new Set(panes.map((pane) => `tmux:${pane.session}`))];
  const known = live.length === 0 ? 'No session runs there.' : `Live sessions: ${live.join(', ')}.`;
  const what = name.startsWith('%') ? `pane ${name}` : `session or pane tmux:${name}`;
  const session = tmuxName(name.split(':')[0] ?? name);
  const inside = panes.filter((pane) => pane.session === session).map(({ pane }) => `tmux:${pane}`);
  if (inside.length > 0) {
    const hint = `${known} Session ${session} has the panes ${inside.join(', ')}.`;
    return new MamError('not_found', `There is no tmux ${what}.`, hint);
  }
  const word = session.replaceAll("'", "'\\''");
  const start = name.startsWith('%') ? '' : ` Start it: ${tmux} new-session -d -s '${word}' COMMAND.`;
  return new MamError('not_found', `There is no tmux ${what}.`, known + start);
}
