import { IS_HIDDEN_FORMAT } from './marks.ts';

/** What tmux tells about a pane by itself, at most once a second, when any pane's sample changed. */
export interface PaneSample {
  /** tmux pane id, such as `%3`. */
  pane: string;
  dead: boolean;
  pane_pid: number;
  in_mode: boolean;
  /** Seconds since 1970 of the last output in the pane's window. */
  window_activity: number;
  /** Panes in that window; with more than one, `window_activity` may be another pane's. */
  window_panes: number;
  /** The foreground program's name. */
  command: string;
}

const FIELDS = '#{pane_id}|#{pane_dead}|#{pane_pid}|#{pane_in_mode}|#{window_activity}|#{window_panes}';

/** The format that `refresh-client -B` watches: every pane of every session but ours. */
export const SAMPLE_FORMAT = `#{S:#{W:#{P:#{?${IS_HIDDEN_FORMAT},,${FIELDS}|#{pane_current_command} }}}}`;

/** Reads the value of a subscription made with `SAMPLE_FORMAT`; a window linked to several sessions counts once. */
export function parseSamples(value: string): PaneSample[] {
  const samples = new Map<string, PaneSample>();
  for (const entry of value.split(' ')) {
    const [pane, dead, pid, mode, activity, panes, ...command] = entry.split('|');
    if (!pane?.startsWith('%')) continue;
    samples.set(pane, {
      pane,
      dead: dead === '1',
      pane_pid: Number(pid),
      in_mode: mode !== '0',
      window_activity: Number(activity),
      window_panes: Number(panes),
      command: command.join('|'),
    });
  }
  return [...samples.values()];
}
