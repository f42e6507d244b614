import { builtIn, lookFor } from '../../agents/index.ts';
import { cleanLine } from '../../base/text.ts';
import type { AgentRow, TerminalSettings } from '../../operations/agents.ts';
import { companyOf } from '../../tmux/company.ts';
import type { PaneInfo } from '../../tmux/pane-info.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { paneState } from './pane-state.ts';

const EVIDENCE_CHARS = 120;

/** What keeps an agent from being ended. */
export interface Left {
  /** Whose it is now: a person's or another job's, or the agent's own, which passes by itself. */
  by: 'person' | 'job' | 'agent';
  /** Why, as the end of a sentence. */
  why: string;
  /** What on the screen shows it, to be read as data. A person's words are nobody's business elsewhere. */
  evidence?: string;
  /** Of what its screen shows: whether a turn of the agent goes on, which ends by itself. */
  isBusy?: boolean;
}

/** The states of an agent that is not idle, as the end of a sentence, and whose they are. */
const STATES: Readonly<Record<string, Left>> = {
  busy: { by: 'agent', why: 'it is busy', isBusy: true },
  dialog: { by: 'agent', why: 'it shows a dialog', isBusy: false },
  draft: { by: 'person', why: 'there is a text in its input box' },
  copy_mode: { by: 'person', why: 'its pane is in copy mode' },
  not_ready: { by: 'agent', why: 'it shows no empty input box', isBusy: false },
  unreachable: { by: 'agent', why: 'it cannot be checked' },
  // Its pane is alive: between two programs nothing is in front.
  dead: { by: 'agent', why: 'no program is in front' },
};

/**
 * What keeps a pane whose agent mam has started from being ended unasked: a job, a person, or a turn of the agent.
 * @param kind the agent kind, with what the configuration says about its screen
 * @returns undefined for one that may be ended @throws MamError when tmux does not answer
 */
export async function whyLeft(
  { servers, dispatcher }: { servers: TmuxServers; dispatcher: Dispatcher },
  socket: string,
  pane: PaneInfo,
  kind: { agent: string; typing: TerminalSettings | undefined },
): Promise<Left | undefined> {
  const server = servers.get(socket);
  const [job] = dispatcher.ahead(socket, pane.pane);
  if (job !== undefined) return { by: 'job', why: `job ${job.id} is open in it` };
  const { clients, panes, sessions } = await companyOf(server, pane.pane);
  if (clients > 0) return { by: 'person', why: 'somebody is attached to it' };
  if (panes > 0) return { by: 'person', why: 'its session has other panes' };
  if (sessions > 1) return { by: 'person', why: 'another session shows it too' };
  if (pane.dead) return undefined;
  const look = lookFor({ agent: kind.agent, typing: kind.typing, job_id: 'none' });
  const { state = 'unreachable', evidence } = await paneState(server, dispatcher, pane, look);
  if (state === 'idle') return undefined;
  const found: Left = STATES[state] ?? { by: 'agent', why: `it is ${state}` };
  if (state === 'draft' || evidence === undefined) return found;
  return { ...found, evidence: cleanLine(evidence, EVIDENCE_CHARS) };
}

/** The kind of agent that mam has started in a pane, with what a configuration says about it. */
export function kindIn(
  { started }: Pick<PaneInfo, 'started'>,
  configured: Readonly<Record<string, TerminalSettings>> = {},
): { agent: AgentRow['agent']; typing: TerminalSettings | undefined } {
  const agent = started ?? 'command';
  const typing = Object.hasOwn(configured, agent) ? configured[agent] : undefined;
  return { agent: builtIn(agent) === undefined && typing === undefined ? 'command' : agent, typing };
}
