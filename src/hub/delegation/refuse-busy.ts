import { lookFor } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import type { AgentSession } from '../../job/record.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import { type Obstacle, preflight } from '../../tmux/deliver.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import type { Place } from './place.ts';

const EVIDENCE_CHARS = 200;

/** For `on_busy: refuse`. @throws MamError `conflict` for a pane that a job holds */
export function refuseHeld(dispatcher: Dispatcher, session: AgentSession): void {
  const [holder] = dispatcher.ahead(session.socket, session.pane);
  if (holder === undefined) return;
  throw new MamError(
    'conflict',
    `Pane ${session.pane} of session ${session.session} is busy with job ${holder.id} (${holder.record.status}).`,
    'Wait for that job, delegate with on_busy "queue", or name another session.',
  );
}

/** As `refuseHeld`; the user's own turn, a dialog or a draft in the pane counts as busy too. */
export async function refuseBusy(
  hub: { servers: TmuxServers; dispatcher: Dispatcher },
  params: DelegateParams,
  place: Place,
): Promise<void> {
  const { session } = place;
  refuseHeld(hub.dispatcher, session);
  const obstacle = await obstacleAt(hub, params, place);
  if (obstacle === undefined) return;
  const { by, evidence } = obstacle;
  throw new MamError(
    'conflict',
    `Pane ${session.pane} of session ${session.session} is not free now (${by}: ${cleanLine(evidence, EVIDENCE_CHARS)}).`,
    'Wait until it is, or delegate with on_busy "queue".',
  );
}

/** What keeps the pane that a job goes to from being typed into now. */
export async function obstacleAt(
  { servers, dispatcher }: { servers: TmuxServers; dispatcher: Dispatcher },
  { agent, terminal, trust_pane: trusted }: Pick<DelegateParams, 'agent' | 'terminal' | 'trust_pane'>,
  { session, process, glance }: Place,
): Promise<Obstacle | undefined> {
  const target = { pane: session.pane, pane_pid: process.pane_pid, agent: process };
  const look = lookFor({ agent, job_id: '', typing: { ...terminal, trusted } });
  const state = await preflight({ server: servers.get(session.socket), target }, look, glance);
  return 'gone' in state ? undefined : dispatcher.inTheWay(session.socket, target, look, state);
}
