import { explain } from '../../base/errors.ts';
import { clean, cleanLine } from '../../base/text.ts';
import type { JobRecord } from '../../job/record.ts';
import { captureHistory } from '../../tmux/commands.ts';
import type { TmuxServer } from '../../tmux/control.ts';
import type { TmuxServers } from './tmux-servers.ts';

const LAST_LINES = 12;
const DETAIL_CHARS = 500;
const NO_WORDS = '(tmux shows none)';

/** How a job ends when its agent is lost. */
export interface Loss {
  type: 'session_lost' | 'delivery_failed';
  detail: string;
}

/**
 * How a job ends whose agent is lost. An agent that was started for its job and ended before it took the order counts as
 * not started: its pane stays until the job has ended, with its last words.
 * @param why what was seen, as a sentence
 */
export async function lossOf(
  servers: TmuxServers,
  { agent, agent_session: session, typing, status, phase }: JobRecord,
  why: string,
): Promise<Loss> {
  if (status === 'queued' && typing?.started === true && session !== undefined) {
    const words = await wordsIn(servers.get(session.socket), session.pane).catch(() => undefined);
    if (words !== undefined) {
      const detail = `${agent} ended as it started; nothing was delivered. Its last words: ${words || NO_WORDS}`;
      return { type: 'delivery_failed', detail: cleanLine(detail, DETAIL_CHARS) };
    }
  }
  const nothing = status === 'queued' && phase === 'queued' ? ' Nothing was delivered.' : '';
  return { type: 'session_lost', detail: `${why}${nothing}` };
}

/**
 * The last words of an agent that has ended. tmux closes a pane when its program ends, and output that it has not read by
 * then is lost (3.3a: 3 of 300 programs that printed a line and ended, on a busy machine): no later look helps.
 */
export async function lastWordsIn(server: TmuxServer, pane: string): Promise<string> {
  const unread = (error: unknown) => `(its screen could not be read: ${explain(error)})`;
  return (await wordsIn(server, pane).catch(unread)) || NO_WORDS;
}

/** tmux's own line about the end has scrolled the screen, so its history is read as well. */
async function wordsIn(server: TmuxServer, pane: string): Promise<string> {
  const lines = await captureHistory(server, pane, LAST_LINES);
  const words = lines.filter((row) => row.trim() !== '' && !/^Pane is dead/.test(row));
  return clean(words.slice(-LAST_LINES).join('\n'));
}
