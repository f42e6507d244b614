import { MamError } from '../base/errors.ts';
import type { TmuxServer } from './control.ts';
import { PROFILE_OPTION, STARTED_OPTION, STARTED_PID_OPTION } from './marks.ts';
import { formatLiteral, quote } from './quote.ts';

/** Size of a new session that nobody is attached to: wide enough for the agents' dialogs. */
const SIZE = ['-x', '160', '-y', '50'];
/** Runs in the pane until all its options are set; it ends by itself if no program replaces it. */
const PLACEHOLDER = ['sleep', '60'];

/** A new session, by its ids: a hook of the user may have changed what is active in it. */
export interface HeldSession {
  id: string;
  pane: string;
}

/** The commands that create a detached session whose only pane does nothing yet, and print its ids. */
export function holdSession(name: string, folder: string): string[][] {
  // -E: variables that the caller lacks, such as a display, must not be updated from the hub, which has none.
  const make = ['new-session', '-d', '-E', '-P', '-F', '#{session_id} #{pane_id}', '-s', name, ...SIZE];
  return [
    [...make, '-c', formatLiteral(folder), '--', ...PLACEHOLDER],
    // In the same command, or tmux could end the unattached session before the option is set.
    ['set-option', '-t', `=${name}:`, 'destroy-unattached', 'off'],
  ];
}

/** Reads what the first of these commands printed. @throws MamError `unavailable` for anything else */
export function readHeld(line: string | undefined): HeldSession {
  const [id, pane] = line?.split(' ') ?? [];
  if (id === undefined || pane === undefined)
    throw new MamError('unavailable', 'tmux did not say which session it created.');
  return { id, pane };
}

/** True if the user has hooks on new sessions: creating one waits for them, for example until a popup is closed. */
export async function hasSessionHooks(server: TmuxServer): Promise<boolean> {
  const lines = await server.command('show-hooks -g after-new-session');
  return lines.some((line) => line.includes('['));
}

/**
 * Runs a program in the pane of a new session. The pane's options are set before the program runs, so that one that fails
 * at once leaves its last words.
 * @param program.agent its kind, which marks the pane, as does its profile
 * @param program.env for the session: what is opened in it later has it too
 * @returns the process in the pane, the session's creation time, and the window's index
 * @throws MamError `unavailable` when the session is gone
 */
export async function putProgram(
  server: TmuxServer,
  { id, pane }: HeldSession,
  program: {
    agent: string;
    profile?: string | undefined;
    words: string[];
    folder: string;
    env: Record<string, string>;
  },
): Promise<{ panePid: number; created: number; window: number }> {
  const { agent, profile, words, folder, env } = program;
  // A single word is run by the user's shell, which may stay around it.
  const all = words.length === 1 ? ['env', ...words] : words;
  const before = [
    `set-option -t ${id} destroy-unattached off`,
    ...Object.entries(env).map(([key, value]) => `set-environment -t ${id} ${quote(key)} ${quote(value)}`),
    `set-option -p -t ${pane} ${STARTED_OPTION} ${quote(agent)}`,
    ...(profile === undefined ? [] : [`set-option -p -t ${pane} ${PROFILE_OPTION} ${quote(profile)}`]),
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
