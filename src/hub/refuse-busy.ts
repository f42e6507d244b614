import { lookFor } from '../agents/index.ts';
import { MamError } from '../errors.ts';
import type { AgentSession } from '../job/record.ts';
import type { DelegateParams } from '../job/request.ts';
import { cleanLine } from '../job/text.ts';
import { preflight } from '../tmux/deliver.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Place } from './place.ts';
import type { TmuxServers } from './tmux-servers.ts';

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
  { servers, dispatcher }: { servers: TmuxServers; dispatcher: Dispatcher },
  params: DelegateParams,
  { session, process, glance }: Place,
): Promise<void> {
  refuseHeld(dispatcher, session);
  const target = { pane: session.pane, pane_pid: process.pane_pid, agent: process };
  const look = lookFor({ agent: params.agent, job_id: '', typing: params.terminal });
  const state = await preflight(servers.get(session.socket), target, look, glance);
  if (!('obstacle' in state)) return;
  const { by, evidence } = state.obstacle;
  throw new MamError(
    'conflict',
    `Pane ${session.pane} of session ${session.session} is not free now (${by}: ${cleanLine(evidence, EVIDENCE_CHARS)}).`,
    'Wait until it is, or delegate with on_busy "queue".',
  );
}
