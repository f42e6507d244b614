import { human } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import type { StartParams } from '../../operations/agents.ts';
import { peerServer } from '../../registry/announcements.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { HeldJob, HeldParams } from '../preparation/held-job.ts';
import { createJob, type Ordered, type Parts, takesPrompt } from './create-job.ts';
import { checkTarget } from './lineage.ts';
import { findPlace, type Place } from './place.ts';
import { refuseBusy, refuseHeld } from './refuse-busy.ts';
import { showTo } from './to-human.ts';
import { startFor } from './to-new-session.ts';
import { waiterAmong } from './waits.ts';

/** Creates a job that is prepared before its hand-over. @throws MamError as `createJob`, `io` when MAM_HOME can't be written */
export async function toPrepared(parts: Parts, wish: Ordered): Promise<LiveJob> {
  const { order, params, chain, plan } = wish;
  const kept = { params, results: chain?.results, from: plan.tree?.from };
  return parts.preparation.begin(order, kept, () => createJob(parts, wish));
}

/**
 * Hands over a job whose steps have passed, with all checks of a delegation, since much may have changed.
 * @throws MamError when its pane is gone, or nothing may be typed there
 */
export async function handOverPrepared(
  parts: Parts,
  job: LiveJob,
  held: HeldJob,
  signal: AbortSignal,
): Promise<void> {
  const { params } = held;
  if (params.agent === human.name) return showTo(parts, job, params);
  const own = job.record.new_session;
  const place = own === undefined ? await placeOf(parts, params) : undefined;
  if (signal.aborted) return;
  if (place !== undefined) return toItsPane(parts, job, held, place, signal);
  const argument = takesPrompt(params.agent);
  await held.record('starting', { data: { argument } }, signal);
  const name = own?.name ?? params.agent_session;
  await startFor(parts, job, params, { ...params, ...params.start, name } as StartParams);
}

/** Its pane; undefined when its agent must be started. */
async function placeOf({ servers }: Parts, params: HeldParams): Promise<Place | undefined> {
  try {
    return await findPlace(servers, params);
  } catch (error) {
    const isMissing = error instanceof MamError && error.code === 'not_found';
    if (!isMissing || params.start === undefined) throw error;
    return undefined;
  }
}

async function toItsPane(
  parts: Parts,
  job: LiveJob,
  held: HeldJob,
  place: Place,
  signal: AbortSignal,
): Promise<void> {
  const { registrar, dispatcher, home, host } = parts;
  const { params } = held;
  const { session, process, glance } = place;
  if (params.on_busy === 'refuse') {
    await refuseBusy(parts, params, place);
    refuseHeld(dispatcher, session);
  }
  const parent = registrar.held(job.record.parent_job_id ?? '');
  checkTarget(session, { open: registrar.unfinished, parent, host, job: (id) => registrar.held(id) });
  const ahead = dispatcher.ahead(session.socket, session.pane);
  const waiter = waiterAmong(ahead, job.id, { open: registrar.unfinished, dispatcher });
  if (waiter !== undefined) throw waitsForThis(session.pane, waiter);
  const peer_server = peerServer(home.servers, session, process.pane_pid);
  const data = { agent_session: session, agent_process: process, peer_server };
  await held.record('queued', { data }, signal);
  dispatcher.enqueue(job, glance);
}

function waitsForThis(pane: string, { id }: LiveJob): MamError {
  return new MamError(
    'refused',
    `Pane ${pane} has job ${id}, which waits for this one: the two would wait for each other.`,
    'Delegate it to another session.',
  );
}
