/** The built-in agents, each with its default tmux session; `src/agents/` has everything else about them. */
export const DEFAULT_SESSIONS = {
  'claude-code': 'claude',
  codex: 'codex',
  gemini: 'gemini',
  opencode: 'opencode',
} as const;

/** Their names, for sentences that list them. */
export const AGENT_NAMES = Object.keys(DEFAULT_SESSIONS).join(', ');
