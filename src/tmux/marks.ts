/** The pane option that marks the pane of a hub's hidden session. */
export const HIDDEN_OPTION = '@mam_hidden';

/**
 * A tmux format that is `1` for the pane of any hub's hidden session. The pane is marked, not the session: a command
 * without a target, such as `tmux new-window` from a script, may put a user's window next to ours.
 */
export const IS_HIDDEN_FORMAT = `#{${HIDDEN_OPTION}}`;

/** The prefix of the names of hidden sessions. */
export const HIDDEN_NAME = '_mam-';

/** The pane option with the agent kind that we have started there. */
export const STARTED_OPTION = '@mam_agent';

/** The pane option with the process that we started there: a process that replaces it is not ours. */
export const STARTED_PID_OPTION = '@mam_agent_pid';

/** The pane option with the profile of that kind, if it was started as one. */
export const PROFILE_OPTION = '@mam_profile';

/** A tmux format: the agent kind that we have started in the pane, while that process is still in it; else empty. */
export const STARTED_FORMAT = `#{?#{==:#{${STARTED_PID_OPTION}},#{pane_pid}},#{${STARTED_OPTION}},}`;

/** The same for the profile. */
export const PROFILE_FORMAT = `#{?#{==:#{${STARTED_PID_OPTION}},#{pane_pid}},#{${PROFILE_OPTION}},}`;

/** The pane option that names the hub that is typing in the pane: a user's hubs take turns. */
export const TYPING_OPTION = '@mam_typing';
