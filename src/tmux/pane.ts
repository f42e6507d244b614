import { MamError } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import type { TmuxServer } from './control.ts';
import { IS_HIDDEN_FORMAT, PROFILE_FORMAT, STARTED_FORMAT } from './marks.ts';
import type { PaneInfo } from './pane-info.ts';
import { quote } from './quote.ts';
import { type Shot, shoot } from './screen.ts';

/** Where a pane is, in the form of a job's record. */
export function sessionOf({ session, window, pane, session_created }: PaneInfo, socket: string) {
  return { socket, session, window, pane, session_created };
}

/** A session name that tmux can't read as anything else. */
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_ -]*$/;

const PANE_FORMAT = [
  ...['#{pane_id}', '#{session_id}', '#{window_id}', '#{window_index}', '#{pane_index}', '#{pane_pid}'],
  ...['#{pane_dead}', '#{window_activity}', '#{window_panes}', `#{?${IS_HIDDEN_FORMAT},1,0}`],
  ...[STARTED_FORMAT, PROFILE_FORMAT, '#{pane_current_command}'],
].join(' ');

/**
 * All panes except those of our hidden sessions.
 * @throws MamError `not_found` when no server runs, `unavailable` when tmux is missing or ends
 */
export async function listPanes(server: TmuxServer): Promise<PaneInfo[]> {
  // Names may contain spaces, so each is the last field of a separate listing.
  const [panes, windows, sessions] = await Promise.all([
    server.command(`list-panes -a -F ${quote(PANE_FORMAT)}`),
    server.command(`list-windows -a -F ${quote('#{window_id} #{window_name}')}`),
    server.command(`list-sessions -F ${quote('#{session_id} #{session_created} #{session_name}')}`),
  ]);
  const windowNames = new Map(windows.map((line) => split(line, 1) as [string, string]));
  const sessionsById = new Map(
    sessions.map((line) => {
      const [id, created, session = ''] = split(line, 2);
      return [id, { session, session_created: Number(created) }];
    }),
  );
  return panes.flatMap((line) => {
    const { sessionId, windowId, isHidden, pane } = parsePane(line, server);
    const session = sessionsById.get(sessionId);
    if (session === undefined || isHidden) return [];
    return { ...pane, ...session, window_name: windowNames.get(windowId) ?? '' };
  });
}

/**
 * The pane that an address means, with its screen if that needs no further round trip: for the plain name of a session with
 * one pane.
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
    // The full list allows better errors.
    const [row, ...others] = listed.status === 'fulfilled' ? listed.value : [];
    const glance = seen.status === 'fulfilled' ? seen.value : undefined;
    const [created, line = ''] = split(row ?? '', 1);
    const { isHidden, pane } = parsePane(line, server);
    if (row !== undefined && others.length === 0 && !isHidden)
      return {
        pane: { ...pane, session: name, session_created: Number(created), window_name: '' },
        glance: glance?.pane_pid === pane.pane_pid ? glance : undefined,
      };
  }
  return { pane: resolveAddress(await listPanes(server), address, server.socketPath), glance: undefined };
}

/** A line of `PANE_FORMAT`. */
function parsePane(line: string, { seesProcesses: visible }: TmuxServer) {
  const [pane = '', sessionId, windowId = '', window, index, pid, ...rest] = split(line, 12);
  const [dead, activity, count, hidden, started, profile, command = ''] = rest;
  return {
    sessionId,
    windowId,
    isHidden: hidden === '1',
    pane: {
      pane,
      window: Number(window),
      pane_index: Number(index),
      pane_pid: Number(pid),
      dead: dead === '1',
      window_activity: Number(activity),
      window_panes: Number(count),
      started: started || undefined,
      profile: profile || undefined,
      command,
      visible,
    },
  };
}

/** The first `count` words of a line, and the rest of it. */
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
    const hint = 'Write tmux:NAME or tmux:%3.';
    throw new MamError('bad_input', 'The address of the agent session is empty.', hint);
  }
  const found = /^%\d+$/.test(name) ? byId(panes, name) : inSession(panes, name);
  if (found.length === 0) throw missing(panes, name, socketPath);
  const ours = found.filter(({ started }) => started !== undefined);
  const [only, ...others] = found.length === 1 ? found : ours;
  if (only === undefined || others.length > 0) {
    const list = found.map((pane) => `tmux:${pane.pane} (${pane.dead ? 'dead' : pane.command})`).join(', ');
    throw new MamError(
      'refused',
      `tmux:${name} has ${found.length} panes and none is clearly the agent.`,
      `Name one: ${list}.`,
    );
  }
  return only;
}

/** @throws MamError `refused` if a session of another pane has that id for its name */
function byId(panes: PaneInfo[], id: string): PaneInfo[] {
  const pane = panes.find((one) => one.pane === id);
  const namesakes = panes.filter((one) => one.session === id && one.pane !== id);
  if (namesakes.length === 0) return pane === undefined ? [] : [pane];
  const inside = namesakes.map((one) => `tmux:${one.pane}`).join(', ');
  const other = pane === undefined ? 'no pane' : `a pane of session ${pane.session}`;
  throw new MamError(
    'refused',
    `tmux:${id} is the id of ${other}, and the name of a session with the panes ${inside}.`,
    'Rename that session: tmux rename-session.',
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
  const known = live.length === 0 ? 'No session is running there.' : `Live sessions: ${live.join(', ')}.`;
  const what = name.startsWith('%') ? `pane ${name}` : `session or pane tmux:${name}`;
  const session = tmuxName(name.split(':')[0] ?? name);
  const inside = panes.filter((pane) => pane.session === session).map(({ pane }) => `tmux:${pane}`);
  const word = session.replaceAll("'", "'\\''");
  const start = name.startsWith('%') ? '' : ` Start it: ${tmux} new-session -d -s '${word}' COMMAND.`;
  const step = inside.length > 0 ? ` Session ${session} has the panes ${inside.join(', ')}.` : start;
  return new MamError('not_found', `There is no tmux ${what}.`, known + step + otherHost(name));
}

/** What follows an `@` is a host only if the user's settings name it; otherwise the whole is a session of this machine. */
export function otherHost(name: string): string {
  const [, host] = /@([a-z0-9-]{1,40})$/.exec(name) ?? [];
  return host === undefined
    ? ''
    : ` If ${host} is another machine: name it under hosts in MAM_HOME/config.json.`;
}
