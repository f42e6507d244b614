import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { explain, MamError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { isSamePlace } from '../base/real-place.ts';
import { cleanLine } from '../base/text.ts';
import { needsAttention } from '../job/apply.ts';
import { checkParams } from '../operations/check.ts';
import type { HubStatus } from '../operations/housekeeping.ts';
import type { Command, Commands, Reply, Request } from '../operations/request.ts';
import { PROTOCOL_VERSION } from '../operations/request.ts';
import type { Home } from '../registry/home.ts';
import { withResult } from '../registry/texts.ts';
import { tellPath } from '../tmux/program.ts';
import type { Delegations } from './delegation/delegate.ts';
import { cancelJob } from './delivery/cancel.ts';
import type { Dispatcher } from './delivery/dispatcher.ts';
import type { LiveJob } from './jobs/live-job.ts';
import { pruneJobs } from './jobs/prune.ts';
import type { Registrar } from './jobs/registrar.ts';
import { readTaskPage } from './jobs/task.ts';
import type { Wakes } from './notify/wakes.ts';
import { jobScreen } from './panes/job-screen.ts';
import type { LastScreens } from './panes/last-screens.ts';
import type { TmuxServers } from './panes/tmux-servers.ts';
import { answerJob } from './permissions/answer.ts';
import type { Decisions } from './permissions/decisions.ts';
import { listAgents } from './sessions/agent-list.ts';
import { startAgent } from './sessions/agent-start.ts';
import { stopAgent } from './sessions/agent-stop.ts';
import type { Hooks } from './signals/hooks.ts';
import { validationLog } from './verdicts/validation-log.ts';
import type { Verifications } from './verdicts/verifications.ts';

/** Events that an answer carries at most, unless fewer are asked for. */
const MAX_EVENTS = 200;
const MAX_ROWS = 200;

/** What a hub answers that has not taken up its jobs yet. */
const AT_ONCE: readonly string[] = ['hub_status', 'hub_stop'];

type Handlers = {
  [C in Command]: (params: Commands[C]['params'], requestId: string) => Promise<Commands[C]['result']>;
};

/** What the hub does for clients, one function a command. */
export class Requests {
  readonly #with;
  readonly #registrar: Registrar;
  readonly #handlers: Handlers;

  constructor(parts: {
    registrar: Registrar;
    verifications: Verifications;
    delegations: Delegations;
    servers: TmuxServers;
    screens: LastScreens;
    dispatcher: Dispatcher;
    decisions: Decisions;
    wakes: Wakes;
    hooks: Hooks;
    home: Home;
    log: Log;
    /** Settles when the jobs of the last hub are taken up; nothing once they are. */
    ready: () => Promise<void> | undefined;
    status: () => HubStatus;
    stop: () => void;
    reply: (topic: string, reply: Reply) => void;
  }) {
    const { servers, dispatcher, home, registrar, wakes } = parts;
    this.#with = parts;
    this.#registrar = registrar;
    this.#handlers = {
      // A client whose connection was lost sends its request again, perhaps to the next hub: that is no second job.
      delegate: async (params, id) => {
        const result = await parts.delegations.delegate({ request_key: `request:${id}`, ...params });
        // The answer says what keeps it from its pane: no line tells the same once more.
        const { job_id, registry_dir, supervisor } = result.record;
        if (needsAttention(result.record))
          await wakes.seen({ job_id, registry_dir, seen_by: supervisor.session });
        return result;
      },
      preview: (params) => parts.delegations.preview(params),
      status: async (params) => {
        const { job, told } = await wakes.seen(params);
        return { ...status(job, params), ...(params.told !== undefined && { told }) };
      },
      hold: async (params) => {
        await wakes.hold(params);
        return {};
      },
      seen: async ({ registry_dir, session, jobs }) => {
        for (const job of jobs) await wakes.seen({ ...job, registry_dir, seen_by: session });
        return {};
      },
      list: (params) => list(parts.registrar, params),
      cancel: async (params) => {
        const cancelled = await cancelJob(registrar, servers, params);
        if (cancelled.record !== undefined && registrar.held(params.job_id) !== undefined)
          await wakes.seen(params);
        return cancelled;
      },
      answer: (params) => answerJob(parts.registrar, parts.decisions, params),
      screen: (params) => jobScreen(registrar, servers, parts.screens, params),
      log: (params) => log(parts.registrar, params),
      verify: (params, id) => parts.verifications.verify(params, id),
      prune: (params) => pruneJobs(parts.registrar, parts.log, params),
      hook: (params) => parts.hooks.take(params),
      agents: async (params) => ({
        agents: await listAgents({ servers, dispatcher, folder: home.servers }, params),
      }),
      start: (params) => startAgent(servers, home, params),
      stop: async (params) => ({ session: await stopAgent(servers, dispatcher, params), stopped: true }),
      hub_status: async () => parts.status(),
      hub_stop: async () => {
        parts.stop();
        return { stopping: true };
      },
    };
  }

  /** Takes a request from the broker and answers it on its `reply_to`. */
  async take(payload: Buffer): Promise<void> {
    let request: Request;
    try {
      request = JSON.parse(payload.toString()) as Request;
    } catch {
      this.#with.log.warn('a request that is no JSON was dropped');
      return;
    }
    if (typeof request?.reply_to !== 'string' || typeof request.request_id !== 'string') {
      this.#with.log.warn('a request without reply_to or request_id was dropped');
      return;
    }
    const answer: Reply = { request_id: request.request_id };
    try {
      // The way out that the error names must be open.
      if (request.protocol > PROTOCOL_VERSION && request.command !== 'hub_stop') {
        throw new MamError(
          'conflict',
          `This hub speaks protocol ${PROTOCOL_VERSION}, the client ${cleanLine(String(request.protocol), 20)}.`,
          'Run `mam hub stop`; the next call starts the newer hub.',
        );
      }
      if (typeof request.path === 'string') tellPath(request.path);
      if (!Object.hasOwn(this.#handlers, request.command))
        throw new MamError(
          'conflict',
          'The hub does not know this command.',
          'Update it: run `mam hub stop`.',
        );
      if (!AT_ONCE.includes(request.command)) await this.#with.ready();
      const handler = this.#handlers[request.command] as (
        params: unknown,
        requestId: string,
      ) => Promise<NonNullable<Reply['result']>>;
      checkParams(request.command, request.params);
      const params = this.#placed(request.params);
      await this.#arrive(params);
      answer.result = await handler(params, request.request_id);
    } catch (error) {
      const known = error instanceof MamError;
      if (!known) this.#with.log.error(`request ${request.command} failed`, error);
      answer.error = {
        code: known ? error.code : 'internal',
        message: known ? error.message : `The hub failed: ${explain(error)}.`,
        hint: known ? error.hint : 'See `mam hub logs`.',
      };
    }
    this.#with.reply(request.reply_to, answer);
  }

  /** What was moved to the registry that a request names is found there. */
  async #arrive(params: unknown): Promise<void> {
    const { registry_dir: dir } = (params ?? {}) as { registry_dir?: string };
    if (dir !== undefined) await this.#registrar.missing.arrive(dir);
  }

  /** The same request with the one name of its registry; a log folder that is the registry itself is none of its own. */
  #placed(params: unknown): unknown {
    if (typeof params !== 'object' || params === null) return params;
    const { registry_dir: named, logs_dir: logs } = params as { registry_dir?: unknown; logs_dir?: unknown };
    if (typeof named !== 'string') return params;
    if (!isAbsolute(named))
      throw new MamError(
        'bad_input',
        'registry_dir is not an absolute path.',
        'Name the folder by its whole path.',
      );
    const registry_dir = this.#registrar.nameOf(named);
    const isRegistry = typeof logs === 'string' && isSamePlace(logs, registry_dir);
    return { ...params, registry_dir, ...(isRegistry && { logs_dir: undefined }) };
  }
}

function status(job: LiveJob, params: Commands['status']['params']): Commands['status']['result'] {
  const page = params.task_offset === undefined ? undefined : readTaskPage(job, params.task_offset);
  return { ...eventsOf(job, params), task_file: job.paths.prompt, ...page };
}

async function log(
  registrar: Registrar,
  params: Commands['log']['params'],
): Promise<Commands['log']['result']> {
  const job = await registrar.find(params.job_id, params.registry_dir);
  return { ...eventsOf(job, params), ...(params.validation === true && validationLog(job)) };
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
  // A look at the list must not make a registry.
  registrar.missing.checkThere(params.registry_dir);
  if (!existsSync(params.registry_dir)) return { jobs: [], total: 0, need_you: 0 };
  const index = await registrar.index(params.registry_dir);
  if (index.size === 0) registrar.missing.checkThere(params.registry_dir, true);
  const open = params.open_only === true ? new Set(registrar.open.map(({ id }) => id)) : undefined;
  const { rows, cursor } = index.page(
    { ...params, among: open },
    Math.min(params.limit, MAX_ROWS),
    params.cursor,
  );
  return {
    jobs: rows.map((row) => registrar.present(row)),
    total: index.size,
    need_you: index.needYou,
    ...(cursor !== undefined && { cursor }),
  };
}
