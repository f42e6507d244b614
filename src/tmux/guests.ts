import { HIDDEN_NAME } from './marks.ts';
import { quote } from './quote.ts';
import type { Hidden } from './start.ts';

/** `activity`: seconds since 1970. */
type Session = Record<'id' | 'name', string> & { activity: number };

/** Runs one tmux command line. */
type Send = (command: string) => Promise<string[]>;

/**
 * Moves people out of our hidden session: tmux puts them there when their own session ends and `detach-on-destroy` is off,
 * or when they switch from one session to the next. They land where they would have without us, or are detached.
 */
export async function showOut(send: Send, hidden: Hidden): Promise<void> {
  const clients = `list-clients -t ${hidden.session} -F ${quote('#{client_control_mode} #{client_name} #{client_last_session}')}`;
  const sessions = `list-sessions -F ${quote('#{session_id} #{session_activity} #{session_name}')}`;
  const guests = (await send(clients)).filter((line) => line.startsWith('0 '));
  if (guests.length === 0) return;
  const all = (await send(sessions)).map((line): Session => {
    const [id = '', activity, ...name] = line.split(' ');
    return { id, activity: Number(activity), name: name.join(' ') };
  });
  for (const guest of guests) {
    const [, name = '', ...last] = guest.split(' ');
    const way = wayOut(all, hidden.session, last.join(' '));
    await send(
      way === undefined
        ? `detach-client -t ${quote(name)}`
        : `switch-client -c ${quote(name)} -t ${quote(way)}`,
    );
  }
}

/**
 * Removes what the user's hook on new sessions has put next to our pane: it came after ours, before a person could have put
 * anything there. A window that is linked to another session stays there.
 */
export async function tidy(send: Send, { session, pane }: Hidden): Promise<void> {
  const format = '#{window_id} #{window_linked} #{pane_id}';
  const rows = await send(`list-panes -s -t ${session} -F ${quote(format)}`);
  const panes = rows.map((row) => row.split(' ') as [string, string, string]);
  for (const [window, linked, id] of panes) {
    if (id === pane) continue;
    if (linked === '1') await send(`unlink-window -t ${session}:${window}`).catch(() => {});
    else if (Number(id.slice(1)) > Number(pane.slice(1))) await send(`kill-pane -t ${id}`).catch(() => {});
  }
}

/**
 * Where a person who landed in a hidden session goes.
 * @param ours the hidden session's id
 * @param last the name of the session they came from; empty when that has ended
 * @returns the id of a session, if there is one that is not hidden
 */
function wayOut(sessions: readonly Session[], ours: string, last: string): string | undefined {
  const isOpen = ({ id, name }: Session): boolean => id !== ours && !name.startsWith(HIDDEN_NAME);
  // tmux cycles through sessions by name.
  const round = [...sessions].sort((a, b) => (a.name < b.name ? -1 : 1));
  const here = round.findIndex(({ id }) => id === ours);
  const onwards = [...round.slice(here + 1), ...round.slice(0, here)].filter(isOpen);
  const [next] = onwards;
  const previous = onwards.at(-1);
  if (last === previous?.name) return next?.id;
  if (last === next?.name) return previous?.id;
  const came = onwards.find(({ name }) => name === last);
  if (came !== undefined) return came.id;
  return [...onwards].sort((a, b) => b.activity - a.activity)[0]?.id;
}
