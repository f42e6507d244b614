import { MamError } from '../base/errors.ts';
import type { TmuxServer } from './control.ts';
import { formatLiteral, quote } from './quote.ts';

/** Size of a new session that nobody is attached to: wide enough for the agents' dialogs. */
const SIZE = ['-x', '160', '-y', '50'];
/** Stands in the pane until all that concerns it is set; it ends by itself if nobody comes back to it. */
const PLACEHOLDER = ['sleep', '60'];

/** A session that was made, by its ids: a hook of the user's may have changed what is active in it. */
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

/** True where the user has hooks on new sessions: who makes one waits for them, such as a popup, for as long as it is shown. */
export async function hasSessionHooks(server: TmuxServer): Promise<boolean> {
  const lines = await server.command('show-hooks -g after-new-session');
  return lines.some((line) => line.includes('['));
}

/**
 * Puts a program into the pane of a new session. What concerns the pane is set before the program runs, so that one
 * which fails at once leaves its last words.
 * @param marks options of the pane
 * @param pidMark the option of the pane that names the process
 * @param env of the session: what is opened in it later has it too
 * @returns the process in the pane, the session's time of making, and the window's index
 * @throws MamError `unavailable` when the session is gone
 */
export async function putProgram(
  server: TmuxServer,
  { id, pane }: HeldSession,
  program: {
    words: string[];
    folder: string;
    env: Record<string, string>;
    marks: Record<string, string>;
    pidMark: string;
  },
): Promise<{ panePid: number; created: number; window: number }> {
  const { words, folder, env, marks, pidMark } = program;
  // A single word is run by the user's shell, which may stay around it.
  const all = words.length === 1 ? ['env', ...words] : words;
  const before = [
    `set-option -t ${id} destroy-unattached off`,
    ...Object.entries(env).map(([key, value]) => `set-environment -t ${id} ${quote(key)} ${quote(value)}`),
    ...Object.entries(marks).map(([key, value]) => `set-option -p -t ${pane} ${key} ${quote(value)}`),
  ];
  const run = ['respawn-pane', '-k', '-t', pane, '-c', quote(formatLiteral(folder)), '--', ...all.map(quote)];
  const mark = `set-option -p -F -t ${pane} ${pidMark} '#{pane_pid}'`;
  const tell = `display-message -p -t ${pane} '#{pane_pid} #{session_created} #{window_index}'`;
  const told = await Promise.all(
    [...before, `${run.join(' ')} ; ${mark} ; ${tell}`].map((one) => server.command(one)),
  );
  const [panePid, created, window] = (told.at(-1)?.[0] ?? '').split(' ').map(Number);
  return { panePid: panePid ?? 0, created: created ?? 0, window: window ?? 0 };
}
