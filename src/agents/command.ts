import type { AgentKind } from './kind.ts';

/**
 * Any program that reads from a terminal in raw mode with bracketed paste. Its pane itself tells whether it can be
 * typed into; dialogs and drafts are guarded only where patterns are configured.
 */
export const command: AgentKind = {
  name: 'command',
  title: 'any raw-mode terminal program',
  screen: {},
  dialogs: [],
  settleMs: 0,
  submitKey: 'Enter',
};
