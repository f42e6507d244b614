import type { ServerEntry } from '../install/client.ts';
import { ALL_SETTINGS, SETTINGS } from '../settings/table.ts';
import type { Place } from './check.ts';

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
  level: 'note' | 'problem';
  id: string;
  text: string;
  detail?: string;
}

/** Whether the client and `wait_job` mean the same time, and whether it is enough for a long wait. */
export function waitsOf({ name, server }: { name: string; server: ServerEntry }): Doubt[] {
  const own = CALL_SECONDS[name];
  const limit = server.timeout_seconds ?? own;
  if (limit === undefined) return [];
  // Not told otherwise, the server goes by the client's own limit.
  const told = Number(server.env[SETTINGS.toolTimeoutSeconds.env] ?? own ?? WAIT_SECONDS);
  const id = 'timeout';
  if (told > limit) {
    const text = `it ends a call after ${limit} s, and wait_job, which is told ${told} s, waits longer: its answer is lost.`;
    return [{ level: 'problem', id, text }];
  }
  if (Math.min(told, limit) >= SHORT_SECONDS) return [];
  return [
    {
      level: 'note',
      id,
      text: `a wait_job lasts less than ${Math.min(told, limit)} s, then it has to be called again.`,
    },
  ];
}

/** What Codex would have to pass on and does not. */
export function environmentOf(
  { name, server }: { name: string; server: ServerEntry },
  { env }: Place,
): Doubt[] {
  if (name !== 'codex') return [];
  const gets = (variable: string): boolean =>
    server.env_vars?.includes(variable) === true || variable in server.env;
  const id = 'env_vars';
  const lost = PLACES.filter((variable) => env[variable] && !gets(variable));
  const pane = PANE.filter((variable) => !gets(variable));
  return [
    ...(lost.length === 0
      ? []
      : [
          {
            level: 'problem' as const,
            id,
            text: `it does not pass ${lost.join(', ')} on, so its server looks for another hub than this shell does.`,
          },
        ]),
    ...(pane.length === 0
      ? []
      : [
          {
            level: 'note' as const,
            id,
            text: `it does not pass ${pane.join(' and ')} on, so its server does not know its pane.`,
          },
        ]),
  ];
}
