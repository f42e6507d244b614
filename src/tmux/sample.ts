import { IS_HIDDEN_FORMAT } from './marks.ts';
import type { PaneInfo } from './pane-info.ts';

/** What tmux reports about a pane, at most once a second, when any pane's sample has changed. */
export type PaneSample = Pick<
  PaneInfo,
  'pane' | 'dead' | 'pane_pid' | 'window_activity' | 'window_panes' | 'command'
>;

/** The mode is included because its change must be reported. */
const FIELDS = '#{pane_id}|#{pane_dead}|#{pane_pid}|#{pane_in_mode}|#{window_activity}|#{window_panes}';

/** The format that `refresh-client -B` watches: every pane of every session but ours. */
export const SAMPLE_FORMAT = `#{S:#{W:#{P:#{?${IS_HIDDEN_FORMAT},,${FIELDS}|#{pane_current_command} }}}}`;

/** Reads the value of a subscription made with `SAMPLE_FORMAT`; a window linked to several sessions counts once. */
export function parseSamples(value: string): PaneSample[] {
  const samples = new Map<string, PaneSample>();
  for (const entry of value.split(' ')) {
    const [pane, dead, pid, , activity, panes, ...command] = entry.split('|');
    if (!pane?.startsWith('%')) continue;
    samples.set(pane, {
      pane,
      dead: dead === '1',
      pane_pid: Number(pid),
      window_activity: Number(activity),
      window_panes: Number(panes),
      command: command.join('|'),
    });
  }
  return [...samples.values()];
}
