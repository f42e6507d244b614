/** The built-in agents, each with the tmux session where it is looked for; `src/agents/` has all else about them. */
export const DEFAULT_SESSIONS = {
  'claude-code': 'claude',
  codex: 'codex',
  gemini: 'gemini',
  opencode: 'opencode',
} as const;

/** Their names, for words that list them. */
export const AGENT_NAMES = Object.keys(DEFAULT_SESSIONS).join(', ');
