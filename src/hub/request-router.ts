import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { explain, MamError } from '../base/errors.ts';
import { isObject, parseJson } from '../base/json.ts';
import type { Log } from '../base/log.ts';
import { orElse } from '../base/or-else.ts';
import { isSamePlace } from '../base/real-place.ts';
import { clean, cleanLine } from '../base/text.ts';
import { needsAttention } from '../job/apply.ts';
import { checkParams } from '../operations/check.ts';
import { COMMANDS } from '../operations/commands.ts';
import type { HubStatus } from '../operations/housekeeping.ts';
import type { LogResult } from '../operations/logs.ts';
import type { Command, Commands, Reply, Request } from '../operations/request.ts';
import { PROTOCOL_VERSION } from '../operations/request.ts';
import type { Home } from '../registry/home.ts';
import { withResult } from '../registry/texts.ts';
import { notePath } from '../tmux/program.ts';
import { tailOfForeign } from '../trust/files.ts';
import type { WorkChanges } from './changes/work-changes.ts';
import type { Conversations } from './conversations/conversations.ts';
import { resumeJob } from './conversations/resume.ts';
import type { Delegations } from './delegation/delegate.ts';
import { cancelJob } from './delivery/cancel.ts';
import type { Dispatcher } from './delivery/dispatcher.ts';
import { earlierJobs } from './jobs/earlier-jobs.ts';
import type { LiveJob } from './jobs/live-job.ts';
import { type DropTree, pruneJobs } from './jobs/prune.ts';
import type { Registrar } from './jobs/registrar.ts';
import { readTaskPage, taskFileOf } from './jobs/task.ts';
import type { OnEvent } from './notify/on-event.ts';
import type { Wakes } from './notify/wakes.ts';
import { jobScreen } from './panes/job-screen.ts';
import type { LastScreens } from './panes/last-screens.ts';
import type { TmuxServers } from './panes/tmux-servers.ts';
import { answerJob } from './permissions/answer.ts';
import type { Decisions } from './permissions/decisions.ts';
import type { UsedSessions } from './pool/used-sessions.ts';
import { listAgents } from './sessions/agent-list.ts';
import { startAgent } from './sessions/agent-start.ts';
import { stopAgent } from './sessions/agent-stop.ts';
import { stopIdle } from './sessions/stop-idle.ts';
import type { Hooks } from './signals/hooks.ts';
import type { Trees } from './trees/trees.ts';
import type { Verifications } from './verdicts/verifications.ts';

/** The most events of an answer. */
const MAX_EVENTS = 200;
const MAX_ROWS = 200;
/** How much of a validation script's output an answer carries, in bytes. */
const OUTPUT_BYTES = 16 * 1024;

/** How long a look at a job waits for git's look at its folder, in ms: most take a tenth of that. */
const END_LOOK_MS = 300;

/** Commands that a hub answers before it has taken up its jobs. */
const AT_ONCE: readonly string[] = ['hub_status', 'hub_stop'];

/** Parameters that must be absolute: the hub's working folder is not the caller's. */
const PLACES = ['registry_dir', 'workdir', 'logs_dir', 'validate', 'into'] as const;

/** Commands that only the part for other hosts carries out. */
type ElsewhereOnly = 'delegate_to' | 'ask_host' | 'hosts';
type Handlers = {
  [C in Exclude<Command, ElsewhereOnly>]: (
    params: Commands[C]['params'],
    requestId: string,
  ) => Promise<Commands[C]['result']>;
};

export type Handler = (params: unknown, requestId: string) => Promise<NonNullable<Reply['result']>>;

/** The commands that the hub carries out for clients, one function each. */
export class RequestRouter {
  readonly #with;
  readonly #handlers: Handlers;
  /** The ids of the requests in progress. */
  readonly #running = new Set<string>();

  constructor(parts: {
    registrar: Registrar;
    verifications: Verifications;
    trees: Trees;
    delegations: Delegations;
    servers: TmuxServers;
    screens: LastScreens;
    dispatcher: Dispatcher;
    decisions: Decisions;
    wakes: Wakes;
    workChanges: WorkChanges;
    onEvent: OnEvent;
    conversations: Conversations;
    hooks: Hooks;
    used: Pick<UsedSessions, 'at'>;
    home: Home;
    log: Log;
    /** Settles when the jobs of the last hub are taken up; undefined once they are. */
    ready: () => Promise<void> | undefined;
    /** Who carries out a request that concerns another host; undefined for all others. */
    elsewhere?: ((command: Command, params: unknown) => Promise<Handler | undefined>) | undefined;
    status: () => HubStatus;
    stop: () => void;
    reply: (topic: string, reply: Reply) => void;
  }) {
    const { servers, dispatcher, decisions, home, registrar, wakes } = parts;
    this.#with = parts;
    this.#handlers = {
      // A client whose connection was lost sends its request again, perhaps to the next hub: that must not be a second job.
      delegate: async (params, id) => {
        const result = await parts.delegations.delegate({ request_key: `request:${id}`, ...params });
        // The answer says what blocks the job, so no line repeats that.
        const { job_id, registry_dir, supervisor } = result.record;
        if (needsAttention(result.record))
          await wakes.seen({ job_id, registry_dir, seen_by: supervisor.session });
        return result;
      },
      preview: (params) => parts.delegations.preview(params),
      status: async (params) => {
        // Right after the end, what changed is about to be known.
        await parts.workChanges.settled(params.job_id, END_LOOK_MS);
        const { job, told } = await wakes.seen(params);
        const { task_offset: offset } = params;
        const page = offset === undefined ? { task_file: taskFileOf(job) } : readTaskPage(job, offset);
        const waits_for = await earlierJobs(registrar, job);
        return {
          ...eventsOf(job, params),
          ...page,
          ...(waits_for && { waits_for }),
          ...(params.told !== undefined && { told }),
        };
      },
      hold: async (params) => {
        await wakes.hold(params);
        return {};
      },
      seen: async ({ registry_dir, session, jobs, by_person }) => {
        for (const job of jobs) await wakes.seen({ ...job, registry_dir, seen_by: session, by_person });
        return {};
      },
      list: (params) => list(registrar, params),
      cancel: async (params) => {
        const cancelled = await cancelJob(registrar, servers, params);
        if (cancelled.record !== undefined && registrar.held(params.job_id) !== undefined)
          await wakes.seen(params);
        return cancelled;
      },
      answer: (params, id) => answerJob(registrar, decisions, params, id),
      screen: (params) => jobScreen(registrar, servers, parts.screens, params),
      log: async (params) => {
        const job = await registrar.find(params.job_id, params.registry_dir);
        return { ...eventsOf(job, params), ...(params.validation === true && validationLog(job)) };
      },
      verify: (params, id) => parts.verifications.verify(params, id),
      // Whoever is shown the work, or takes it, has looked at the end of the job.
      diff: async (params) => {
        const shown = await parts.trees.diff(params);
        await wakes.seen({ job_id: params.job_id, registry_dir: params.registry_dir, by_person: true });
        return shown;
      },
      merge: async (params, id) => {
        const merged = await parts.trees.merge(params, id);
        await wakes.seen({ job_id: params.job_id, registry_dir: params.registry_dir, by_person: true });
        return merged;
      },
      discard: (params, id) => parts.trees.discard(params, id),
      prune: (params, id) => {
        const dropTree: DropTree = (job) =>
          parts.trees.discard({ ...job, by: 'person' }, `${id} ${job.job_id}`);
        return pruneJobs({ registrar, log: parts.log, dropTree }, params);
      },
      hook: (params) => parts.hooks.takeHook(params),
      agents: async (params) => ({
        agents: await listAgents({ servers, dispatcher, folder: home.servers, used: parts.used }, params),
      }),
      start: (params) =>
        params.resume_job === undefined
          ? startAgent(servers, home, params)
          : resumeJob(
              { registrar, servers, home, conversations: parts.conversations },
              params.resume_job,
              params,
            ),
      stop: async (params) => ({ session: await stopAgent(servers, dispatcher, params), stopped: true }),
      stop_idle: (params) => stopIdle({ servers, dispatcher }, params),
      test_event: () => parts.onEvent.test(),
      hub_status: async () => parts.status(),
      hub_stop: async () => {
        parts.stop();
        return { stopping: true };
      },
    };
  }

  /** Takes a request from the broker and answers it on its `reply_to`. */
  async takeRequest(payload: Buffer): Promise<void> {
    const request = parseJson(payload.toString()) as Request | undefined;
    if (typeof request?.reply_to !== 'string' || typeof request.request_id !== 'string') {
      const what = request === undefined ? 'that is not JSON' : 'without reply_to or request_id';
      this.#with.log.warn(`a request ${what} was dropped`);
      return;
    }
    // Its client has lost its connection and sent it again: the answer goes to the same topic.
    if (this.#running.has(request.request_id)) return;
    this.#running.add(request.request_id);
    const answer: Reply = { request_id: request.request_id };
    try {
      // The command that the error names must work.
      if (request.protocol > PROTOCOL_VERSION && request.command !== 'hub_stop') {
        const spoken = cleanLine(String(request.protocol), 20);
        const what = `This hub speaks protocol ${PROTOCOL_VERSION}, the client ${spoken}.`;
        throw new MamError('conflict', what, 'Run `mam hub stop`; the next call starts the newer hub.');
      }
      if (typeof request.path === 'string') notePath(request.path);
      if (!Object.hasOwn(COMMANDS, request.command)) {
        const step = 'Update it: run `mam hub stop`.';
        throw new MamError('conflict', 'The hub does not know this command.', step);
      }
      if (!AT_ONCE.includes(request.command)) await this.#with.ready();
      checkParams(request.command, request.params);
      const params = await this.#placed(request.params);
      const handler =
        (await this.#with.elsewhere?.(request.command, params)) ??
        (this.#handlers as Partial<Record<Command, unknown>>)[request.command];
      if (handler === undefined)
        throw new MamError('unavailable', 'This hub knows no other hosts.', 'Restart it: `mam hub stop`.');
      answer.result = await (handler as Handler)(params, request.request_id);
    } catch (error) {
      const known = error instanceof MamError;
      if (!known) this.#with.log.error(`request ${request.command} failed`, error);
      const failed = new MamError('internal', `The hub failed: ${explain(error)}.`, 'See `mam hub logs`.');
      const { code, message, hint } = known ? error : failed;
      answer.error = { code, message, hint };
    }
    this.#running.delete(request.request_id);
    this.#with.reply(request.reply_to, answer);
  }

  /**
   * The same request with the one name of its registry, after finding jobs that were moved there, and with the whole id of
   * its job. A log folder that is the registry itself is not a separate one.
   */
  async #placed(params: unknown): Promise<unknown> {
    const { registrar } = this.#with;
    const given = isObject(params) ? params : {};
    const relative = PLACES.find((name) => typeof given[name] === 'string' && !isAbsolute(given[name]));
    if (relative !== undefined)
      throw new MamError('bad_input', `${relative} is not an absolute path.`, 'Pass the full path.');
    const { registry_dir: named, logs_dir: logs, job_id: part } = given;
    if (typeof named !== 'string')
      return typeof part === 'string' ? { ...given, job_id: await registrar.meant(part) } : params;
    const registry_dir = registrar.nameOf(named);
    const isRegistry = typeof logs === 'string' && isSamePlace(logs, registry_dir);
    await registrar.missing.arrive(registry_dir);
    const job_id = typeof part === 'string' ? await registrar.meant(part, registry_dir) : undefined;
    return {
      ...{ ...given, registry_dir },
      ...(isRegistry && { logs_dir: undefined }),
      ...(job_id !== undefined && { job_id }),
    };
  }
}

/** The end of a job's validation output, cleaned; empty if its log is not a plain file. */
function validationLog({ record }: LiveJob): Pick<LogResult, 'validation_output' | 'validation_file'> {
  const file = join(record.log_dir, 'validate.log');
  const read = orElse(() => tailOfForeign(file, OUTPUT_BYTES), undefined);
  if (read === undefined) return { validation_output: '' };
  const text = clean(read.tail.toString()).replace(/^\ufffd+/, '');
  return { validation_output: text, ...(read.size > read.tail.length && { validation_file: file }) };
}

/** A job with some of its events, oldest first. */
function eventsOf(
  job: LiveJob,
  { events_after: after, limit = MAX_EVENTS }: Commands['log']['params'],
): Pick<Commands['log']['result'], 'record' | 'events' | 'cursor' | 'more' | 'damage'> {
  const all = after === undefined ? [] : job.eventsAfter(after);
  const events = all.slice(0, Math.min(limit, MAX_EVENTS));
  const more = events.length < all.length;
  return {
    record: withResult(job.record),
    events,
    cursor: more ? (events.at(-1)?.seq ?? after ?? 0) : job.record.seq,
    more,
    ...(job.damage.length > 0 && { damage: job.damage }),
  };
}

async function list(
  registrar: Registrar,
  params: Commands['list']['params'],
): Promise<Commands['list']['result']> {
  // Listing jobs must not create a registry.
  registrar.missing.checkThere(params.registry_dir);
  if (!existsSync(params.registry_dir)) return { jobs: [], total: 0, need_you: 0 };
  const index = await registrar.index(params.registry_dir);
  if (index.size === 0) registrar.missing.checkThere(params.registry_dir, true);
  const among = params.open_only === true ? new Set(registrar.unfinished.map(({ id }) => id)) : undefined;
  const limit = Math.min(params.limit, MAX_ROWS);
  const { rows, cursor } = index.page({ ...params, among }, limit, params.cursor, params.room);
  return {
    jobs: rows.map((row) => registrar.present(row)),
    total: index.size,
    need_you: index.needYou,
    ...(cursor !== undefined && { cursor }),
  };
}
