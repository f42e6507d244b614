import { LIMITS } from '../../job/limits.ts';
import { type AgentRow, rowWords } from '../../operations/agents.ts';
import { shown } from './cells.ts';
import { type Key, nameOf } from './key.ts';
import { startable } from './menu.ts';
import type { Effect, State } from './state.ts';
import { forget } from './texts.ts';
import { typed, typedLines } from './typing.ts';

/** The form for a new job. */
export interface Form {
  kind: 'form';
  field: Field;
  prompt: string;
  /** The chosen agent, from 0. */
  at: number;
  /** The session of another program. */
  session: string;
  /** It was sent, and the hub has not answered yet. */
  sent: boolean;
  /** Why it was not accepted. */
  problem: string | undefined;
}
type Field = 'prompt' | 'session';

/** Who can do a new job. */
export interface Choice {
  label: string;
  agent: string;
  session?: string | undefined;
  /** It is not running: it is started first. */
  start?: true;
  /** Its session has to be named. */
  isOther?: true;
}

/** The state of an agent that takes a job at once. */
const FREE = 'idle';
const SESSION_CHARS = 200;

export function openForm(state: State): State {
  const blank = { field: 'prompt', prompt: '', at: 0, session: '', sent: false, problem: undefined } as const;
  return { ...state, texts: forget(state.texts, 'agents'), mode: { kind: 'form', ...blank } };
}

/** Running agents, those that are free first, then those that can be started, a person, and any other program. */
export function choicesOf(agents: readonly AgentRow[] = []): Choice[] {
  const running = agents.filter(({ session }) => session !== undefined);
  const order = [...running].sort((a, b) => Number(b.state === FREE) - Number(a.state === FREE));
  return [
    ...order.map(({ agent, kind, session, state = 'unknown' }) => ({
      label: `${rowWords({ agent, kind })} in tmux:${shown(session?.session ?? '')} ${session?.pane} · ${state.replace('_', ' ')}`,
      agent,
      session: `tmux:${session?.pane}`,
    })),
    ...startable(agents).map(({ agent, kind, about }) => ({
      label: `${rowWords({ agent, kind })} · not running, will be started${about === undefined ? '' : ` · ${shown(about)}`}`,
      agent,
      start: true as const,
    })),
    { label: 'a person · nothing is typed', agent: 'human' },
    { label: 'another program in a tmux session', agent: 'command', isOther: true as const },
  ];
}

export function fillIn(state: State, mode: Form, key: Key): { state: State; effect?: Effect } {
  const name = nameOf(key);
  const to = (change: Partial<Form>): { state: State } => ({
    state: { ...state, mode: { ...mode, problem: undefined, ...change } },
  });
  if (name === 'escape') return { state: { ...state, mode: { kind: 'list' } } };
  if (mode.sent) return { state };
  if (name === 'enter') return send(state, mode);
  const choices = choicesOf(state.texts.agents);
  const isOther = choices[mode.at]?.isOther === true;
  if (name === 'tab' || name === 'backtab')
    return to({ field: isOther && mode.field === 'prompt' ? 'session' : 'prompt' });
  // Texts are typed at their end, so the arrows are free to choose.
  const by = name === 'down' || name === 'right' ? 1 : name === 'up' || name === 'left' ? -1 : 0;
  if (by !== 0) {
    const at = Math.max(0, Math.min(choices.length - 1, mode.at + by));
    return to({ at, field: choices[at]?.isOther ? mode.field : 'prompt' });
  }
  if (mode.field === 'session') return to({ session: typed(mode.session, key, SESSION_CHARS) });
  return to({ prompt: typedLines(mode.prompt, key, LIMITS.promptBytes) });
}

/** Checks what is filled in, and sends it; whatever is missing gets the cursor. */
function send(state: State, mode: Form): { state: State; effect?: Effect } {
  const refuse = (field: Field, problem: string): { state: State } => ({
    state: { ...state, mode: { ...mode, field, problem } },
  });
  if (mode.prompt.trim() === '') return refuse('prompt', 'Type the task first.');
  if (state.texts.agents === undefined)
    return refuse(mode.field, state.texts.failed?.text ?? 'Still looking for agents.');
  const choice = choicesOf(state.texts.agents)[mode.at];
  if (choice === undefined) return refuse('prompt', 'Choose an agent with ↑ and ↓.');
  const name = mode.session.trim();
  if (choice.isOther && name === '') return refuse('session', 'Name its tmux session.');
  const session = choice.isOther ? (name.startsWith('tmux:') ? name : `tmux:${name}`) : choice.session;
  const { agent, start = false } = choice;
  return {
    state: { ...state, mode: { ...mode, sent: true, problem: undefined } },
    effect: { do: 'delegate', prompt: mode.prompt, agent, session, start },
  };
}
