import { explain } from '../../base/errors.ts';
import { identify } from '../../base/process-id.ts';
import { cleanLine } from '../../base/text.ts';
import { draftEvent } from '../../job/event.ts';
import type { AgentSession } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { StartParams } from '../../operations/agents.ts';
import { orderText } from '../../order/order-text.ts';
import { taskFile } from '../../registry/paths.ts';
import { unseenAgent } from '../../tmux/process.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import { launchAgent, release } from '../sessions/agent-start.ts';
import { createJob, type Ordered, type Parts } from './create-job.ts';
import { findPlace, type Place, type PlaceParams } from './place.ts';

const DETAIL_CHARS = 500;
/** After this time at the latest (ms), a session that was started for a job ends with its program. */
const START_TIMEOUT_MS = 120_000;

/**
 * Creates a job and starts an agent for it, with the order on its command line if it takes one there. The job is on disk
 * before anything is started.
 * @throws MamError as `createJob`
 */
export async function toNewSession(parts: Parts, wish: Ordered, start: StartParams): Promise<LiveJob> {
  const job = createJob(parts, wish);
  job.uncork();
  await job.kept;
  await startFor(parts, job, wish.params, start);
  return job;
}

/**
 * Starts an agent for a job that is on the disk, and enqueues the job in its pane; if that fails, the job fails.
 * @param params where the session is looked for if another job has started it
 */
export async function startFor(
  parts: Pick<Parts, 'registrar' | 'servers' | 'dispatcher' | 'home' | 'changes' | 'log'>,
  job: LiveJob,
  params: PlaceParams,
  start: StartParams,
): Promise<void> {
  const { registrar, servers, dispatcher } = parts;
  const argument = job.record.typing?.argument === true;
  if (argument) {
    const evidence = 'given to the agent on its command line';
    await registrar.record(job, draftEvent(job.id, 'pasting', { data: { evidence } }));
  }
  let place: Pick<Place, 'session' | 'process'>;
  try {
    const isOpen = (): boolean => !isFinal(job.record.status);
    place = await launch(parts, start, {
      prompt: argument ? orderText(job.record, taskFile(job.record, job.paths)) : undefined,
      // Other jobs may have found a session that is not this job's alone.
      isWanted: job.record.new_session === undefined ? undefined : isOpen,
    });
    void settleStarted(parts, job, place.session);
    if (job.record.fresh === true) {
      const evidence = 'the agent was started for this job';
      await registrar.record(job, draftEvent(job.id, 'new_conversation', { data: { evidence } }));
    }
  } catch (error) {
    // Another job has started it at the same time: this order is typed, as for any running agent.
    const isOwn = job.record.new_session !== undefined;
    const other = isOwn ? undefined : await findPlace(servers, params).catch(() => undefined);
    if (other === undefined) {
      const detail = cleanLine(explain(error), DETAIL_CHARS);
      await registrar.note(job, 'delivery_failed', { detail });
      return;
    }
    place = other;
    await registrar.note(job, 'blocked', { data: { by: 'not_ready' } });
  }
  const settled = { agent_session: place.session, agent_process: place.process };
  await registrar.record(job, draftEvent(job.id, 'queued', { data: settled }));
  // A job that was cancelled meanwhile would keep the pane.
  if (!isFinal(job.record.status)) dispatcher.enqueue(job);
}

async function launch(
  { servers, home }: Pick<Parts, 'servers' | 'home'>,
  start: StartParams,
  more: Parameters<typeof launchAgent>[3],
): Promise<Pick<Place, 'session' | 'process'>> {
  const { session, pane_pid } = await launchAgent(servers, home.folder, start, more);
  const { agent: command } = start;
  const sees = servers.get(session.socket).seesProcesses;
  const process = sees ? { ...identify(pane_pid), command } : unseenAgent({ pane_pid, command });
  return { session, process: { ...process, pane_pid } };
}

/** Once its order is taken, or never will be, a session that was started for a job ends like any other. */
async function settleStarted(
  { changes, servers, log }: Pick<Parts, 'changes' | 'servers' | 'log'>,
  job: LiveJob,
  session: AgentSession,
): Promise<void> {
  await changes.until(job, ({ record }) => record.status !== 'queued', START_TIMEOUT_MS);
  const server = servers.get(session.socket);
  await release(server, session, job.record.agent_process, isFinal(job.record.status)).catch((error) =>
    log.error(`session ${session.session} of ${job.id}`, error),
  );
}
