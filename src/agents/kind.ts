/** How one kind of agent is recognised and spoken to in its terminal. */
export interface AgentKind {
  name: string;
  /** Where its session is looked for when the caller names none; absent: it must be named. */
  defaultSession?: string;
  /** Patterns tried on each line of its screen; what is absent can't be told from the screen. */
  screen: { ready?: RegExp; busy?: RegExp; dialog?: RegExp };
  /** Time between our text being seen in the input box and Enter, in ms. */
  settleMs: number;
  /** The key that submits, in tmux's name for it. */
  submitKey: string;
}
