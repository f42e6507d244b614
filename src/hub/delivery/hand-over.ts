import { builtIn, lookFor, screenOf } from '../../agents/index.ts';
import { isInLineMode } from '../../base/processes.ts';
import { cleanLine } from '../../base/text.ts';
import { draftEvent } from '../../job/event.ts';
import { isFinal } from '../../job/words.ts';
import { orderText } from '../../order/order-text.ts';
import { peerServer } from '../../registry/announcements.ts';
import { taskFile } from '../../registry/paths.ts';
import { awaitArgument } from '../../tmux/argument.ts';
import type { DeliveryEnd, DeliverySteps, Obstacle, Place } from '../../tmux/deliver.ts';
import { type Recovery, recoverDelivery } from '../../tmux/recover.ts';
import type { Shot } from '../../tmux/screen.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { placeOf } from '../panes/agent-pane.ts';
import { standingOf } from '../panes/losses.ts';
import { lossOf } from '../panes/lost-agent.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import type { NewConversations } from './new-conversation.ts';
import type { Typist } from './typist.ts';

/** How long (ms) to wait for the mam server of an agent that was started for a job. */
const SERVER_TIMEOUT_MS = 20_000;
/** How long (ms) a program that was started for a job may stay in line mode before it counts as one that reads lines. */
const RAW_MODE_TIMEOUT_MS = 20_000;
const EVIDENCE_CHARS = 300;

interface Parts {
  registrar: Registrar;
  servers: TmuxServers;
  typist: Typist;
  conversations: NewConversations;
  /** The folder in which peers' servers announce themselves. */
  announcements: string;
}

/**
 * Hands one job's order to the agent in its pane, and records each rung.
 * @param stop aborted when the job has ended or the peer has reported: no more keys
 * @param how `glance`: the pane's current screen; `looked`: called when tmux has shown the pane, before the paste
 * @returns what is in the way, if nothing was pasted because of it
 */
export async function handOver(
  parts: Parts,
  job: LiveJob,
  stop: AbortSignal,
  { glance, looked }: { glance: Shot | undefined; looked: () => void },
): Promise<Obstacle | undefined> {
  const { record } = job;
  const { agent_session: session, typing } = record;
  const place = placeOf(parts.servers, record);
  if (session === undefined || place === undefined || typing === undefined) return undefined;
  const look = lookFor(record);
  const steps = stepsOf(parts, job, stop, looked);
  // Only a text that is not typed yet can be blocked.
  if (record.phase !== 'queued') looked();
  const text = orderText(record, taskFile(record, job.paths), job.prompt);
  let end: DeliveryEnd | Recovery;
  if (record.phase !== 'queued' && typing.argument === true) {
    // The agent was started with its order: only the proof that it has taken it is missing.
    end = await awaitArgument(place, look, steps.submitted, stop);
  } else if (record.phase !== 'queued') {
    end = await recover(parts, job, place, text, steps);
  } else {
    if (typing.started === true && !hasServer(parts, job))
      return { by: 'not_ready', evidence: 'the agent is starting: its mam server has not connected yet' };
    if (typing.started === true && mayLoseKeys(job))
      return {
        by: 'not_ready',
        evidence:
          'the agent is starting: its terminal is still in line mode, and what is typed now may be lost',
      };
    const isGlance = glance !== undefined && record.fresh !== true;
    const kept = await parts.conversations.begin(job, place, stop, looked);
    if (kept !== undefined && 'gone' in kept) return gone(parts, job, kept.gone);
    if (kept !== undefined) return kept.obstacle;
    const { target } = place;
    const about = { socket: session.socket, jobs: [job.id], agent: record.agent, typing };
    const mark = text.slice(text.lastIndexOf('\n') + 1);
    const announced = { ...about, what: 'order' as const, text, mark };
    end = await parts.typist.type({
      ...{ target, look, announced, steps },
      ...(isGlance && { glance }),
    });
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
  place: Place,
  text: string,
  steps: DeliverySteps,
): Promise<Recovery> {
  const { record } = job;
  const own = parts.typist.only(place.target, ({ jobs, what }) => what === 'order' && jobs.includes(job.id));
  if (own === 'others') {
    const why = 'The hub was restarted during the delivery, and another text of ours is in the pane.';
    return { kind: 'unverified', why };
  }
  const pasted = own ?? { text, prompt: '' };
  const recovered = await recoverDelivery(place, pasted, lookFor(record), steps.stop);
  if (recovered.kind !== 'submitted') return recovered;
  if (own !== undefined) parts.typist.submitted(own);
  steps.submitted(recovered.evidence);
  return recovered;
}

/** True when a started agent's server is connected, or has had enough time. */
function hasServer(parts: Parts, { record, clock }: LiveJob): boolean {
  const { agent, agent_session: session, agent_process: process } = record;
  if (builtIn(agent)?.start === undefined || session === undefined || process === undefined) return true;
  if (clock.age > SERVER_TIMEOUT_MS) return true;
  return peerServer(parts.announcements, session, process.pane_pid) === 'connected';
}

/**
 * True for a program that has just been started and whose screen does not show when it is ready: one that switches its
 * terminal to raw mode later may discard what was typed before, after the terminal itself has echoed it.
 */
function mayLoseKeys({ record, clock }: LiveJob): boolean {
  const { agent, agent_process: process, typing } = record;
  if (process === undefined || process.start === '' || clock.age > RAW_MODE_TIMEOUT_MS) return false;
  if (screenOf(agent, typing).ready !== undefined) return false;
  return isInLineMode({ pid: process.pid, terminal: undefined }) === true;
}

/** The agent was not found: the job fails if the agent is seen to have ended, and waits if it may be alive. */
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
