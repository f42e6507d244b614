import { builtIn, lookFor } from '../../agents/index.ts';
import { cleanLine } from '../../base/text.ts';
import { draftEvent } from '../../job/event.ts';
import { isFinal } from '../../job/words.ts';
import { orderText } from '../../order/order-text.ts';
import { peerServer } from '../../registry/announcements.ts';
import { awaitArgument } from '../../tmux/argument.ts';
import type { DeliverySteps, Obstacle, Target } from '../../tmux/deliver.ts';
import { recoverDelivery } from '../../tmux/recover.ts';
import type { Shot } from '../../tmux/screen.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { standingOf } from '../panes/losses.ts';
import { lossOf } from '../panes/lost-agent.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import type { Typist } from './typist.ts';

/** The server of an agent that was started for a job is waited for so long (ms) since then. */
const SERVER_MS = 20_000;
const EVIDENCE_CHARS = 300;

/** How a hand-over ended, as the three ways of it tell. */
type End =
  | { kind: 'submitted' | 'stopped' }
  | { kind: 'gone' | 'unverified'; why: string }
  | { kind: 'blocked'; obstacle: Obstacle };

interface Parts {
  registrar: Registrar;
  servers: TmuxServers;
  typist: Typist;
  /** The folder in which peers' servers tell of themselves. */
  announcements: string;
}

/**
 * Hands one job's order to the agent in its pane, and records each rung.
 * @param stop aborted when the job has ended or the peer has spoken: no more keys
 * @param how `glance` is a look at the pane that was taken just now; `looked` is called when tmux has let the pane be
 * seen, before the paste
 * @returns what is in the way, when nothing was pasted because of it
 */
export async function handOver(
  parts: Parts,
  job: LiveJob,
  stop: AbortSignal,
  { glance, looked }: { glance: Shot | undefined; looked: () => void },
): Promise<Obstacle | undefined> {
  const { record } = job;
  const { agent_session: session, agent_process: agent, typing } = record;
  if (session === undefined || agent === undefined || typing === undefined) return undefined;
  const server = parts.servers.get(session.socket);
  const target: Target = { pane: session.pane, pane_pid: agent.pane_pid, agent };
  const look = lookFor(record);
  const steps = stepsOf(parts, job, stop, looked);
  // Only what is still to be typed can be kept from its pane.
  if (record.phase !== 'queued') looked();
  const text = orderText(record, job.paths.prompt, job.prompt);
  let end: End;
  if (record.phase !== 'queued' && typing.argument === true) {
    // The agent was started with its order: what is left is the proof that it has taken it.
    end = await awaitArgument(server, target, look, steps.submitted, stop);
  } else if (record.phase !== 'queued') {
    end = await recover(parts, job, target, text, steps);
  } else {
    const obstacle = obstacleBefore(parts, job);
    if (obstacle !== undefined) return obstacle;
    const { socket } = session;
    const announced = { socket, jobs: [job.id], what: 'order' as const, agent: record.agent, typing, text };
    const mark = text.slice(text.lastIndexOf('\n') + 1);
    end = await parts.typist.type({ target, look, announced: { ...announced, mark }, steps, glance });
  }
  job.uncork();
  if (end.kind === 'blocked') return end.obstacle;
  job.prompt = undefined;
  if (end.kind === 'gone') return gone(parts, job, end.why);
  if (end.kind === 'unverified' && job.record.status === 'queued') {
    const detail = cleanLine(end.why, EVIDENCE_CHARS);
    await parts.registrar.note(job, 'delivery_unverified', { detail });
  }
  return undefined;
}

function stepsOf(parts: Parts, job: LiveJob, stop: AbortSignal, looked: () => void): DeliverySteps {
  return {
    pasting: async () => {
      looked();
      const announced = parts.registrar.record(job, draftEvent(job.id, 'pasting'));
      job.uncork();
      await Promise.all([job.kept, announced]);
    },
    visible: (evidence) => void parts.registrar.note(job, 'visible', { data: { evidence } }),
    submitted: (evidence) => void parts.registrar.note(job, 'submitted', { data: { evidence } }),
    stop,
  };
}

/** The last hub died between the paste and its proof. */
async function recover(
  parts: Parts,
  job: LiveJob,
  target: Target,
  text: string,
  steps: DeliverySteps,
): Promise<End> {
  const { record } = job;
  const server = parts.servers.get(record.agent_session?.socket ?? '');
  const own = parts.typist.only(target, ({ jobs, what }) => what === 'order' && jobs.includes(job.id));
  if (own === 'others') {
    const why = 'The hub was restarted during the delivery, and another text of ours is in the pane.';
    return { kind: 'unverified', why };
  }
  const pasted = own ?? { text, prompt: '' };
  const recovered = await recoverDelivery(server, target, pasted, lookFor(record), steps.stop);
  if (recovered.kind !== 'submitted') return recovered;
  if (own !== undefined) parts.typist.submitted(own);
  steps.submitted(recovered.evidence);
  return recovered;
}

/** What the pane itself does not show. */
function obstacleBefore(parts: Parts, job: LiveJob): Obstacle | undefined {
  const { typing } = job.record;
  if (typing?.started !== true || hasServer(parts, job)) return undefined;
  return {
    by: 'not_ready',
    evidence: 'the agent is starting: its mam server has not connected yet',
  };
}

/** True when a started agent's server is there, or has had its time. */
function hasServer(parts: Parts, { record, clock }: LiveJob): boolean {
  const { agent, agent_session: session, agent_process: process } = record;
  if (builtIn(agent)?.start === undefined || session === undefined || process === undefined) return true;
  if (clock.age > SERVER_MS) return true;
  return peerServer(parts.announcements, session, process.pane_pid) === 'connected';
}

/** The agent was not found: the job ends where it is seen to have ended, and waits where it may live. */
async function gone(parts: Parts, job: LiveJob, why: string): Promise<Obstacle | undefined> {
  const standing = await standingOf(parts.servers, job.record);
  if (isFinal(job.record.status)) return undefined;
  const evidence = typeof standing === 'object' && 'outOfReach' in standing ? standing.outOfReach : why;
  if (typeof standing === 'object' && 'lost' in standing) {
    const { type, detail } = await lossOf(parts.servers, job.record, why.replace(/[^.]$/, '$&.'));
    const unread = await parts.typist.unread(job);
    if (!isFinal(job.record.status)) await parts.registrar.note(job, type, { detail: `${detail}${unread}` });
  } else if (job.record.phase === 'queued') return { by: 'unreachable', evidence };
  else {
    const detail = cleanLine(evidence, EVIDENCE_CHARS);
    await parts.registrar.note(job, 'delivery_unverified', { detail });
  }
  return undefined;
}
