import type { AgentRow } from '../../operations/agents.ts';
import { type Key, MOVES } from './key.ts';
import type { Effect, State } from './state.ts';
import { forget } from './texts.ts';

/** The agents that can be started, to choose one. */
export interface Menu {
  kind: 'menu';
  /** The chosen one, from 0. */
  at: number;
}

export function openMenu(state: State): State {
  return { ...state, texts: forget(state.texts, 'agents'), mode: { kind: 'menu', at: 0 } };
}

/** The kinds that are installed and not running. */
export function startable(agents: readonly AgentRow[] = []): AgentRow[] {
  return agents.filter(({ session, program }) => session === undefined && program !== undefined);
}

export function choose(state: State, mode: Menu, key: Key): { state: State; effect?: Effect } {
  const name = 'name' in key ? key.name : MOVES[key.text];
  const kinds = startable(state.texts.agents);
  const at = Math.min(mode.at, Math.max(0, kinds.length - 1));
  const to = (place: number): { state: State } => ({
    state: { ...state, mode: { ...mode, at: Math.max(0, Math.min(kinds.length - 1, place)) } },
  });
  if (name === 'up' || name === 'backtab') return to(at - 1);
  if (name === 'down' || name === 'tab') return to(at + 1);
  if (name === 'home') return to(0);
  if (name === 'end') return to(kinds.length - 1);
  const kind = kinds[at];
  const back: State = { ...state, mode: { kind: 'list' } };
  if (name !== 'enter' || kind === undefined)
    return { state: name === 'escape' || name === 'enter' || 'text' in key ? back : state };
  const text = `Starting ${kind.agent} in ${state.cwd}: this may take a minute …`;
  return { state: { ...back, note: { text, bad: false } }, effect: { do: 'start', agent: kind.agent } };
}
