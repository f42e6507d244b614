import { MamError } from '../../base/errors.ts';
import { isSamePlace } from '../../base/real-place.ts';
import { counted } from '../../base/text.ts';
import { LIMITS } from '../../job/limits.ts';
import { isOwner } from '../../job/owner.ts';
import type { AgentSession, Ancestor } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import { type Delegator, depthOf } from '../../order/compose-job.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import { plainError } from './plain-error.ts';

/** A pane of a tmux server. */
type PaneId = Pick<AgentSession, 'socket' | 'pane'>;

/** What the hub knows about the jobs around a delegation. */
interface Family {
  /** Every open job, those on other hosts as well. */
  open: LiveJob[];
  /** The job whose agent delegates. */
  parent: LiveJob | undefined;
  /** What another host says of a job that it delegates. */
  delegator?: Delegator | undefined;
  /** This host. */
  host: string;
  /** Finds a job in the hub's memory. */
  job: (id: string) => LiveJob | undefined;
}

/**
 * Refuses a delegation that looks like a runaway: too deep, too many, or to a pane that waits for the delegating one.
 * @param target where the job is going; absent for a person, and for an agent that is still to be started
 * @throws MamError `refused` with the limit and the next step
 */
export function checkLineage(
  { supervisor, limits }: Pick<DelegateParams, 'supervisor' | 'limits'>,
  target: PaneId | undefined,
  family: Family,
): void {
  const { parent, delegator } = family;
  const depth = depthOf(parent?.record, delegator);
  const { max_depth: deepest = LIMITS.maxDepth, max_open_jobs: most = LIMITS.maxOpenJobs } = limits ?? {};
  if (delegator !== undefined && depth > deepest)
    throw plainError(
      'refused',
      `This would be a job of depth ${depth}, and the limit is ${deepest} (MAM_MAX_DEPTH or max_depth).`,
      'Do it yourself, or ask your supervisor with publish_event, event question.',
    );
  if (parent !== undefined && depth > deepest) {
    throw new MamError(
      'refused',
      `This would be a job of depth ${depth}, and the limit is ${deepest} (MAM_MAX_DEPTH or max_depth): you work on job ${parent.id}, which has depth ${parent.record.depth}.`,
      'Do it yourself, or ask your supervisor with publish_event, event question.',
    );
  }
  if (target !== undefined) checkTarget(target, family);
  if (delegator !== undefined) checkRoomFor(delegator, family);
  const owner = { ...supervisor, host: delegator?.host };
  const own = family.open.filter(({ record }) => isOwner(record.supervisor, owner));
  if (own.length >= most) {
    const oldest = own.slice(0, 3).map(({ id }) => id);
    // They are all of one host, so it may be told of them.
    throw plainError(
      'refused',
      `This session has ${counted(own.length, 'open job')}, and the limit is ${most} (MAM_MAX_OPEN_JOBS or max_open_jobs).`,
      own.length === 0
        ? 'Raise the limit to delegate.'
        : `Wait for some with wait_job, or end those that are not needed with cancel_job; the oldest: ${oldest.join(', ')}.`,
    );
  }
}

/** The ids of all jobs whose agents wait for a new one, on whatever host. */
export function ancestorsOf({ parent, delegator, job }: Family): Set<string> {
  const above = new Set<string>();
  const add = (lineage: readonly Ancestor[] = []): void => {
    for (const { job_id } of lineage) if (job_id !== undefined) above.add(job_id);
  };
  add(delegator?.lineage);
  for (let one = parent; one !== undefined; one = job(one.record.parent_job_id ?? '')) {
    above.add(one.id);
    add(one.record.lineage);
  }
  return above;
}

/** @throws MamError `refused` when a host has as many open jobs here as it may have */
function checkRoomFor({ host, most }: Delegator, { open }: Family): void {
  const own = open.filter(({ record }) => record.supervisor.host === host);
  if (most === undefined || own.length < most) return;
  throw plainError(
    'refused',
    `${counted(own.length, 'job')} of your host ${own.length === 1 ? 'is' : 'are'} open here, and the limit is ${most}.`,
    'Wait until some have ended. Its user can allow more with "may.max_open_jobs" in MAM_HOME/config.json there.',
  );
}

/** @throws MamError `refused` when the agent in that pane waits, directly or indirectly, for the delegating one */
export function checkTarget(target: PaneId, family: Family): void {
  const { parent, delegator, job } = family;
  if (delegator !== undefined) checkAncestors(delegator.lineage, target, family);
  let below: LiveJob | undefined;
  for (let one = parent; one !== undefined; below = one, one = job(one.record.parent_job_id ?? '')) {
    const { agent_session: session, supervisor, lineage = [] } = one.record;
    if (isFinal(one.record.status)) continue;
    // A pane on another host may have the same name.
    const isHere = one.replica === undefined;
    if (isHere && session !== undefined && isSamePane(session, target)) {
      throw one === parent ? ownPane(target.pane) : cycle(target.pane, one, below);
    }
    const { pane, socket } = supervisor;
    if (pane !== undefined && socket !== undefined && isSamePane({ pane, socket }, target))
      throw cycle(target.pane, job(one.record.parent_job_id ?? ''), one);
    checkAncestors(lineage, target, family);
  }
}

/** The same for agents whose jobs have gone on to another host and come back from there. */
function checkAncestors(lineage: readonly Ancestor[], target: PaneId, { host, job }: Family): void {
  const waits = lineage.some((one) => {
    if (one.host !== host) return false;
    const record = job(one.job_id ?? '')?.record;
    // Without its job it is not known on which tmux server the pane is.
    if (record?.agent_session === undefined) return one.pane === target.pane;
    return !isFinal(record.status) && isSamePane(record.agent_session, target);
  });
  if (waits)
    throw plainError(
      'refused',
      'The agent in that session waits for your own work, over another host: the two would wait for each other.',
      'Ask it with publish_event, event question, or name another session.',
    );
}

/** The error for a job that is delegated to its supervisor's own pane. */
export function ownPane(pane: string): MamError {
  return new MamError('refused', `Pane ${pane} is your own.`, "Name another agent's session.");
}

function cycle(pane: string, works: LiveJob | undefined, waits: LiveJob | undefined): MamError {
  const who = works === undefined ? 'The agent in it' : `Its agent works on job ${works.id} and`;
  return new MamError(
    'refused',
    `Pane ${pane} is where your own work comes from. ${who} waits for job ${waits?.id}: the two would wait for each other.`,
    'Ask it with publish_event, event question, or name another session.',
  );
}

/** True for the same pane, by whatever path its server's socket is named. */
export function isSamePane(a: PaneId, b: PaneId): boolean {
  return a.pane === b.pane && isSamePlace(a.socket, b.socket);
}
