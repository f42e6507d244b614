/** A pane as tmux lists it. */
export interface PaneInfo {
  /** tmux pane id, such as `%3`: the only name that never moves. */
  pane: string;
  session: string;
  /** Seconds since 1970. */
  session_created: number;
  /** Index of the window in its session. */
  window: number;
  window_name: string;
  pane_index: number;
  /** The process that tmux started in the pane. */
  pane_pid: number;
  /** The foreground program's name. */
  command: string;
  dead: boolean;
  /** Seconds since 1970 of the last output in the window, which may be another pane's. */
  window_activity: number;
  window_panes: number;
  /** The agent kind that we have started in it. */
  started?: string | undefined;
  /** The profile of that kind that we have started it as. */
  profile?: string | undefined;
  /** False if its processes are in another pid namespace than ours, so that their ids mean nothing here. */
  visible: boolean;
}
