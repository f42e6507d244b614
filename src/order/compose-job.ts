import { join } from 'node:path';
import { newConversationOf } from '../agents/index.ts';
import { newJobId } from '../base/ids.ts';
import { sha256 } from '../base/sha256.ts';
import { apply } from '../job/apply.ts';
import { draftEvent } from '../job/event.ts';
import { LIMITS } from '../job/limits.ts';
import type { AgentSession, Ancestor, JobOrder, JobRecord } from '../job/record.ts';
import { promptPreview, wholeTask } from '../job/task-text.ts';
import type { TerminalSettings } from '../operations/agents.ts';
import type { DelegateParams } from '../operations/delegate.ts';
import { newSessionName } from './new-session-name.ts';

/** The script of a job, as it was when the job was delegated. */
export type Validation = Pick<
  NonNullable<JobOrder['validation']>,
  'script' | 'script_sha256' | 'script_executable'
>;

/** What the hub of another host has fixed about a job that it delegates. */
export interface Delegator {
  /** That host. */
  host: string;
  job_id: string;
  depth: number;
  lineage: Ancestor[];
  /** How many jobs of that host may be open here; absent: any number. */
  most?: number | undefined;
}

/** What a delegation fixes about its job. */
export function composeJob(from: {
  params: DelegateParams;
  /** The task, without what comes before it. */
  prompt: string;
  /** Absent for a person, and for an agent that is still to be started. */
  place: { session: AgentSession; process: NonNullable<JobOrder['agent_process']> } | undefined;
  validation: Validation | undefined;
  /** The job of the delegating pane. */
  parent: JobRecord | undefined;
  /** Absent for a job that was delegated on this machine. */
  delegator?: Delegator | undefined;
  /** Absent: a new one. */
  job_id?: string | undefined;
  worktree?: JobOrder['worktree'];
  notify: JobOrder['notify'];
  host: string;
  peer_server: 'connected' | 'unknown';
}): JobOrder {
  const { params, prompt: task, place, validation, parent, delegator, notify, host, peer_server } = from;
  const jobId = delegator?.job_id ?? from.job_id ?? newJobId(task);
  const prompt = wholeTask(params.preamble, task);
  const logDir = join(params.logs_dir ?? params.registry_dir, jobId);
  return {
    job_id: jobId,
    agent: params.agent,
    ...(params.profile !== undefined && { profile: params.profile }),
    ...(place !== undefined && { agent_session: place.session, agent_process: place.process }),
    typing: {
      mam: params.mam_command,
      ...(params.trust_pane === true && { trusted: true }),
      ...terminalOf(params),
      ...(params.fresh === true && { fresh: newConversationOf(params.agent, params.terminal)?.text }),
    },
    host,
    registry_dir: params.registry_dir,
    log_dir: logDir,
    workdir: params.workdir,
    prompt_sha256: sha256(prompt),
    prompt_preview: promptPreview(task),
    prompt_bytes: Buffer.byteLength(prompt),
    ...(params.preamble !== undefined && {
      preamble: {
        beginning: promptPreview(params.preamble),
        bytes: Buffer.byteLength(prompt) - Buffer.byteLength(task),
        task_sha256: sha256(task),
      },
    }),
    supervisor: delegator === undefined ? params.supervisor : { ...params.supervisor, host: delegator.host },
    ...(parent !== undefined && { parent_job_id: parent.job_id }),
    ...(delegator !== undefined && delegator.lineage.length > 0 && { lineage: delegator.lineage }),
    ...(notify !== undefined && { notify }),
    depth: depthOf(parent, delegator),
    request_key: params.request_key,
    ...(params.fresh === true && { fresh: true }),
    ...(from.worktree !== undefined && { worktree: from.worktree }),
    ...(params.after !== undefined && { after: params.after }),
    ...(params.after_any_end === true && { after_any_end: true }),
    ...(params.session === 'new' && { new_session: newSession(params, jobId) }),
    peer_server,
    ...(validation !== undefined && {
      validation: {
        ...validation,
        rounds: 0,
        max_rounds: params.validate_rounds ?? 0,
        timeout_seconds: params.validate_timeout_seconds,
        ...scriptPath(params),
        virtual_env: params.virtual_env,
      },
    }),
    timeouts: { timeout_seconds: params.timeout_seconds, idle_timeout_seconds: params.idle_timeout_seconds },
    ...(params.max_tokens !== undefined && { max_tokens: params.max_tokens }),
  };
}

/** The session of a job that gets one of its own. */
function newSession(params: DelegateParams, jobId: string): NonNullable<JobOrder['new_session']> {
  const { agent, profile, tmux_socket: socket, max, keep, limits } = params;
  return {
    name: newSessionName(profile ?? agent, jobId),
    socket,
    max: max ?? limits?.max_new_sessions ?? LIMITS.maxNewSessions,
    ...(keep === true && { keep }),
  };
}

/** How many jobs wait for this one, each for the next. */
export function depthOf(
  parent: Pick<JobRecord, 'depth'> | undefined,
  delegator: Delegator | undefined,
): number {
  return delegator?.depth ?? (parent === undefined ? 0 : parent.depth + 1);
}

/** A long PATH does not fit into the first line of the journal. */
function scriptPath({ path }: DelegateParams): { path?: string | undefined; path_sha256?: string } {
  return path !== undefined && path.length > LIMITS.pathChars ? { path_sha256: sha256(path) } : { path };
}

/** Only the fields that a delivery uses: a newer client may send more. */
function terminalOf({ terminal = {} }: DelegateParams): TerminalSettings {
  const { ready, busy, dialog, draft, clear, interrupt } = terminal;
  return { ready, busy, dialog, draft, clear, interrupt };
}

/** The initial record of a job with this order. */
export function newRecord(order: JobOrder): JobRecord {
  const draft = draftEvent(order.job_id, 'queued', { data: { job: order } });
  return apply(undefined, { ...draft, seq: 1, recorded_at: draft.at });
}
