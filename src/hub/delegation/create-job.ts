import { builtIn } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { removeIfEmpty } from '../../base/folders.ts';
import type { Log } from '../../base/log.ts';
import { LIMITS } from '../../job/limits.ts';
import type { JobOrder } from '../../job/record.ts';
import { wholeTask } from '../../job/task-text.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import { composeJob, type Delegator } from '../../order/compose-job.ts';
import { checkOrder, makeLogFolder } from '../../order/delegation-checks.ts';
import { peerServer } from '../../registry/announcements.ts';
import type { Home } from '../../registry/home.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { Changes } from '../jobs/changes.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { PaneOwners } from '../panes/pane-owners.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import type { Pool } from '../pool/pool.ts';
import type { Preparation } from '../preparation/preparation.ts';
import type { Chain } from './chain.ts';
import type { Plan } from './delegation-plan.ts';
import { ancestorsOf, checkLineage } from './lineage.ts';
import { checkNoCycle } from './waits.ts';
import { checkUnclaimed } from './worktree-plan.ts';

/** The parts of the hub that every kind of delegation needs. */
export interface Parts {
  home: Home;
  host: string;
  registrar: Registrar;
  dispatcher: Dispatcher;
  servers: TmuxServers;
  owners: PaneOwners;
  changes: Changes;
  preparation: Preparation;
  pool: Pick<Pool, 'ahead' | 'fullFor'>;
  log: Log;
}

/** A delegation that has passed its checks. */
export interface Wish {
  params: DelegateParams;
  prompt: string;
  plan: Plan;
  /** Absent for a job that was delegated on this machine. */
  delegator?: Delegator | undefined;
  /** What it says of other jobs. */
  chain?: Chain | undefined;
}

/** The same with the order that was composed from it. */
export interface Ordered extends Wish {
  order: JobOrder;
}

/**
 * Composes a job's order. To be called right before the job is created, so that the limits count concurrent delegations.
 * @throws MamError `refused` for a job that looks like a runaway's, `bad_input` for one with texts that are too long
 */
export function orderOf(
  { home, host, owners, registrar, preparation, dispatcher }: Parts,
  { params: given, prompt, plan, delegator, chain }: Wish,
): JobOrder {
  const params = { ...given, after: chain?.after };
  const { place, start } = plan;
  const peer_server = place
    ? peerServer(home.servers, place.session, place.process.pane_pid)
    : ('unknown' as const);
  const parent = owners.parentOf(params.origin);
  const open = registrar.unfinished;
  const family = { open, parent, delegator, host, job: (id: string) => registrar.held(id) };
  checkLineage(params, place?.session, family);
  if (chain !== undefined) checkNoCycle(chain.after, ancestorsOf(family), { open, dispatcher });
  const order = composeJob({
    ...{ params, prompt, ...plan, worktree: plan.tree?.worktree },
    parent: parent?.record,
    delegator,
    host,
    peer_server,
  });
  checkUnclaimed(order, open);
  const whole = whenPrepared(order, preparation.stepsFor(order));
  checkOrder(whole);
  if (order.prompt_bytes > LIMITS.promptBytes) throw tooLong();
  if (start === undefined) return whole;
  const argument = takesPrompt(params.agent);
  return { ...whole, typing: { ...whole.typing, mam: params.mam_command, started: true, argument } };
}

/** True for a kind of agent that is started with its order on its command line. */
export function takesPrompt(agent: string): boolean {
  return builtIn(agent)?.start?.takesPrompt === true;
}

/** A job that is prepared first has no pane before that: what happens there meanwhile does not concern it. */
function whenPrepared(order: JobOrder, prepares: string[]): JobOrder {
  if (prepares.length === 0) return order;
  const { agent_session: target, agent_process: _, ...rest } = order;
  return { ...rest, prepares, ...(target !== undefined && { target }) };
}

/** Creates the job and its log folder. @throws MamError as `Registrar.create` */
export function createJob(parts: Parts, wish: Ordered): LiveJob {
  const { order } = wish;
  const { path = '', logs_dir } = wish.params;
  const texts = order.validation?.path_sha256 === undefined ? [] : [path];
  const prompt = wholeTask(wish.params.preamble, wish.prompt);
  if (logs_dir === undefined) return parts.registrar.create(order, prompt, texts);
  makeLogFolder(order.log_dir);
  try {
    const job = parts.registrar.create(order, prompt, texts);
    job.kept.catch(() => removeIfEmpty(order.log_dir));
    return job;
  } catch (error) {
    removeIfEmpty(order.log_dir);
    throw error;
  }
}

function tooLong(): MamError {
  const what = `The task and the preamble before it are longer than ${LIMITS.promptBytes} bytes.`;
  return new MamError('bad_input', what, 'Put a part of the task into a file, and name that file in it.');
}
