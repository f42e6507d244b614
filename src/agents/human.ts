import type { AgentKind } from './kind.ts';

/** A person. Nothing is ever typed for one, and no silence is a sign. */
export const human: AgentKind = {
  name: 'human',
  title: 'a person',
  screen: {},
  dialogs: [],
  settleMs: 0,
  submitKey: 'Enter',
};
