/** The pane option that marks the pane of a hub's hidden session. */
export const HIDDEN_OPTION = '@mam_hidden';

/**
 * A tmux format that is `1` for the pane of a hub's hidden session, whichever hub's. The pane and not the session is
 * marked: a command without a target, such as `tmux new-window` from a script, may put a user's window beside ours.
 */
export const IS_HIDDEN_FORMAT = `#{${HIDDEN_OPTION}}`;

/** The pane option that names the agent kind of a session that we started. */
export const STARTED_OPTION = '@mam_agent';
