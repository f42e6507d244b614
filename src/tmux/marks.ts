/** The pane option that marks the pane of a hub's hidden session. */
export const HIDDEN_OPTION = '@mam_hidden';

/**
 * A tmux format that is `1` for the pane of a hub's hidden session, whichever hub's. The pane and not the session is
 * marked: a command without a target, such as `tmux new-window` from a script, may put a user's window beside ours.
 */
export const IS_HIDDEN_FORMAT = `#{${HIDDEN_OPTION}}`;

/** What the sessions begin with that a hub makes for itself. */
export const HIDDEN_NAME = '_mam-';

/** The pane option that names the agent kind of a session that we started. */
export const STARTED_OPTION = '@mam_agent';

/** The pane option with the process that we started there: what a user puts in its place is none of ours. */
export const STARTED_PID_OPTION = '@mam_agent_pid';

/** A tmux format: the agent kind that we have started in the pane, while that very process is in it, else empty. */
export const STARTED_FORMAT = `#{?#{==:#{${STARTED_PID_OPTION}},#{pane_pid}},#{${STARTED_OPTION}},}`;

/** The pane option that names the hub that is typing in the pane: two of one user don't do so at once. */
export const TYPING_OPTION = '@mam_typing';
