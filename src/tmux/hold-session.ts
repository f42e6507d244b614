import { MamError } from '../base/errors.ts';
import type { TmuxServer } from './control.ts';
import { STARTED_OPTION, STARTED_PID_OPTION } from './marks.ts';
import { formatLiteral, quote } from './quote.ts';

/** Size of a new session that nobody is attached to: wide enough for the agents' dialogs. */
const SIZE = ['-x', '160', '-y', '50'];
/** Runs in the pane until all its options are set; it ends by itself if nobody comes back to it. */
const PLACEHOLDER = ['sleep', '60'];

/** A new session, by its ids: a hook of the user's may have changed what is active in it. */
export interface HeldSession {
  id: string;
  pane: string;
}

/** The commands that make a detached session whose one pane does nothing yet, and print its ids. */
export function holdSession(name: string, folder: string): string[][] {
  // -E: what the caller has not, such as a display, would else be taken from the hub, which has none.
  const make = ['new-session', '-d', '-E', '-P', '-F', '#{session_id} #{pane_id}', '-s', name, ...SIZE];
  return [
    [...make, '-c', formatLiteral(folder), '--', ...PLACEHOLDER],
    // In the same command: tmux would end a session that nobody is attached to before we could say that it is to stay.
    ['set-option', '-t', `=${name}:`, 'destroy-unattached', 'off'],
  ];
}

/** What the first of them has printed. @throws MamError `unavailable` for anything else */
export function readHeld(line: string | undefined): HeldSession {
  const [id, pane] = line?.split(' ') ?? [];
  if (id === undefined || pane === undefined)
    throw new MamError('unavailable', 'tmux did not say which session it has made.');
  return { id, pane };
}

/** True if the user has hooks on new sessions: whoever makes one waits for them, such as for a popup to be closed. */
export async function hasSessionHooks(server: TmuxServer): Promise<boolean> {
  const lines = await server.command('show-hooks -g after-new-session');
  return lines.some((line) => line.includes('['));
}

/**
 * Puts a program into the pane of a new session. The pane's options are set before the program runs, so that one that
 * fails at once leaves its last words.
 * @param program.agent its kind, which marks the pane
 * @param program.env of the session: what is opened in it later has it too
 * @returns the process in the pane, the session's time of making, and the window's index
 * @throws MamError `unavailable` when the session is gone
 */
export async function putProgram(
  server: TmuxServer,
  { id, pane }: HeldSession,
  program: { agent: string; words: string[]; folder: string; env: Record<string, string> },
): Promise<{ panePid: number; created: number; window: number }> {
  const { agent, words, folder, env } = program;
  // A single word is run by the user's shell, which may stay around it.
  const all = words.length === 1 ? ['env', ...words] : words;
  const before = [
    `set-option -t ${id} destroy-unattached off`,
    ...Object.entries(env).map(([key, value]) => `set-environment -t ${id} ${quote(key)} ${quote(value)}`),
    `set-option -p -t ${pane} ${STARTED_OPTION} ${quote(agent)}`,
    `set-option -p -t ${pane} remain-on-exit on`,
  ];
  const run = ['respawn-pane', '-k', '-t', pane, '-c', quote(formatLiteral(folder)), '--', ...all.map(quote)];
  const mark = `set-option -p -F -t ${pane} ${STARTED_PID_OPTION} '#{pane_pid}'`;
  const show = `display-message -p -t ${pane} '#{pane_pid} #{session_created} #{window_index}'`;
  const answers = await Promise.all(
    [...before, `${run.join(' ')} ; ${mark} ; ${show}`].map((one) => server.command(one)),
  );
  const [panePid = 0, created = 0, window = 0] = (answers.at(-1)?.[0] ?? '').split(' ').map(Number);
  return { panePid, created, window };
}
