import type { ServerEntry } from '../install/client.ts';
import { ALL_SETTINGS, SETTINGS } from '../settings/table.ts';
import type { Place } from './check.ts';
import type { Level } from './finding.ts';

/** How long each client lets one call run when its file says nothing, in seconds; Claude Code has no such limit. */
const CALL_SECONDS: Readonly<Record<string, number>> = { codex: 300, gemini: 600, opencode: 60 };
/** A shorter limit cuts long waits into many. */
const SHORT_SECONDS = 3600;
/** How long `wait_job` lasts at most for a client without a limit, in seconds. */
const WAIT_SECONDS = 6 * 3600;

/** What decides where a server finds its hub and its tmux. */
const PLACES = [
  ...ALL_SETTINGS.filter(({ isPlace }) => isPlace).flatMap(({ env }) => env ?? []),
  'TMUX_TMPDIR',
];
const PANE = ['TMUX', 'TMUX_PANE'];

interface Doubt {
  level: Level;
  id: string;
  text: string;
}

/** Whether the client and `wait_job` have the same time limit, and whether it is enough for a long wait. */
export function waitsOf({ name, server }: { name: string; server: ServerEntry }): Doubt[] {
  const own = CALL_SECONDS[name];
  const limit = server.timeout_seconds ?? own;
  if (limit === undefined) return [];
  const id = 'timeout';
  // Without a setting, the server uses the client's own limit.
  const set = Number(server.env[SETTINGS.toolTimeoutSeconds.env] ?? own ?? WAIT_SECONDS);
  if (set > limit) {
    const text = `it ends a call after ${limit} s, but wait_job is set to ${set} s and waits longer: its answer is lost.`;
    return [{ level: 'problem', id, text }];
  }
  if (set >= SHORT_SECONDS) return [];
  return [{ level: 'note', id, text: `wait_job lasts less than ${set} s, then it must be called again.` }];
}

/** The variables that Codex should pass on and does not. */
export function environmentOf(
  { name, server }: { name: string; server: ServerEntry },
  { env }: Place,
): Doubt[] {
  if (name !== 'codex') return [];
  const passes = (variable: string): boolean =>
    server.env_vars?.includes(variable) === true || variable in server.env;
  const lost = PLACES.filter((variable) => env[variable] && !passes(variable));
  const pane = PANE.filter((variable) => !passes(variable));
  const doubts: Doubt[] = [];
  const add = (level: Level, names: string, effect: string): void => {
    doubts.push({ level, id: 'env_vars', text: `it does not pass ${names} on, so its server ${effect}.` });
  };
  if (lost.length > 0) add('problem', lost.join(', '), 'looks for a different hub than this shell does');
  if (pane.length > 0) add('note', pane.join(' and '), 'does not know its pane');
  return doubts;
}
