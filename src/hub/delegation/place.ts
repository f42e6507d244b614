import { setTimeout as pause } from 'node:timers/promises';
import { builtIn, isTrusted } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { isOurNamespace } from '../../base/process-id.ts';
import type { AgentSession, JobOrder } from '../../job/record.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import { shellRisk, UNSEEN_PROCESSES } from '../../tmux/deliver.ts';
import { findPane, sessionOf } from '../../tmux/pane.ts';
import { foreground, isShell, unseenAgent } from '../../tmux/process.ts';
import type { Shot } from '../../tmux/screen.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { isSamePane, ownPane } from './lineage.ts';

const SAY_SO =
  'If an agent does read what is typed there, say so with trust_pane true (`--trust-pane`), or define a kind with a "ready" pattern for it under "agents" in config.json.';

/** What names a pane, and says what may run in it. */
export type PlaceParams = Pick<
  DelegateParams,
  'agent' | 'agent_session' | 'tmux_socket' | 'terminal' | 'trust_pane' | 'supervisor' | 'origin'
>;

/** Where a job is going: the pane, and the agent that runs in it now. */
export interface Place {
  session: AgentSession;
  process: NonNullable<JobOrder['agent_process']>;
  /** The kind and the profile that mam has started there; absent if it has not. */
  startedAs?: { agent: string; profile?: string | undefined } | undefined;
  /** The pane's screen, if the search for the pane has read it. */
  glance: Shot | undefined;
}

/** How long (ms) a pane may be without a foreground program: when one ends, its parent soon takes the terminal back. */
const FOREGROUND_TIMEOUT_MS = 500;
/** The pause between two looks, in ms: no signal reports who has a terminal. */
const NEXT_LOOK_MS = 20;

/** The pane, once a program has its terminal, and that program, if there is one. @throws MamError as `findPane` */
async function findInFront(...where: Parameters<typeof findPane>) {
  for (const end = performance.now() + FOREGROUND_TIMEOUT_MS; ; await pause(NEXT_LOOK_MS)) {
    const found = await findPane(...where);
    const { pane } = found;
    const process = pane.visible ? foreground(pane) : unseenAgent(pane);
    if (process !== undefined || pane.dead || performance.now() > end) return { ...found, process };
  }
}

/**
 * Finds the pane that a delegation means. Read-only: every check that refuses a job because of its pane is here, before
 * anything is written.
 * @throws MamError `bad_input`, `not_found` or `refused`, with what is there instead
 */
export async function findPlace(servers: TmuxServers, params: PlaceParams): Promise<Place> {
  if (params.agent_session === undefined || params.agent_session === '') {
    throw new MamError(
      'bad_input',
      `Agent kind ${params.agent} has no session of its own.`,
      'Give agent_session, such as tmux:NAME; `tmux list-sessions` shows the names.',
    );
  }
  const socket = params.tmux_socket;
  const { pane, glance, process } = await findInFront(servers.get(socket), params.agent_session);
  const { pane: own, socket: ownSocket } = params.supervisor;
  if (
    own !== undefined &&
    ownSocket !== undefined &&
    isSamePane({ pane: own, socket: ownSocket }, { pane: pane.pane, socket })
  )
    throw ownPane(pane.pane);
  // The supervisor's environment may not name its pane.
  const { pids = [], ns } = params.origin ?? {};
  if (pane.visible && isOurNamespace(ns) && pids.includes(pane.pane_pid)) throw ownPane(pane.pane);
  const where = `Pane ${pane.pane} of session ${pane.session}`;
  if (pane.dead) {
    throw new MamError('refused', `${where} is dead: its program has ended.`, 'Start the agent there again.');
  }
  const trusted = isTrusted({ ...params.terminal, trusted: params.trust_pane });
  if (!pane.visible && !trusted)
    throw new MamError('refused', `${where} can't be checked: ${UNSEEN_PROCESSES}.`, SAY_SO);
  if (process === undefined || isShell(pane.command)) {
    const runs = isShell(pane.command) ? `the shell ${pane.command}` : 'no program';
    throw new MamError(
      'refused',
      `${where} runs ${runs}, not an agent: the prompt would be run as commands.`,
      'Start the agent in that pane first; a script must start it with `exec`, so that its shell does not stay around it.',
    );
  }
  const look = { isAgent: builtIn(params.agent)?.isProcess, isTrusted: trusted };
  const risk = shellRisk({ pane_pid: pane.pane_pid, agent: process }, look);
  if (risk !== undefined) {
    throw new MamError(
      'refused',
      `${where} runs ${pane.command}, but a shell might run what is typed there: ${risk}.`,
      `Start the agent in a tmux pane of its own. ${SAY_SO}`,
    );
  }
  const { started: kind, profile } = pane;
  return {
    session: sessionOf(pane, socket),
    process: { ...process, pane_pid: pane.pane_pid },
    ...(kind !== undefined && { startedAs: { agent: kind, profile } }),
    glance,
  };
}
