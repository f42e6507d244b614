import { basename } from 'node:path';
import { builtIn, kindNames, layersOf } from '../../../agents/index.ts';
import { orElse } from '../../../base/or-else.ts';
import { isSamePlace } from '../../../base/real-place.ts';
import { userHome } from '../../../base/user-home.ts';
import type { JobRecord } from '../../../job/record.ts';
import { type AgentRow, agentPlace } from '../../../operations/agents.ts';
import type { DelegateResult } from '../../../operations/delegate.ts';
import type { Home } from '../../../registry/home.ts';
import { readText } from '../../../registry/texts.ts';
import type { Settings } from '../../../settings/config.ts';
import type { Delegations } from '../../delegation/delegate.ts';
import { plainError } from '../../delegation/plain-error.ts';
import { sharedFolder } from '../../delegation/shared-folder.ts';
import { cancelJob } from '../../delivery/cancel.ts';
import type { Dispatcher } from '../../delivery/dispatcher.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import type { Registrar } from '../../jobs/registrar.ts';
import type { Outlets } from '../../notify/outlets.ts';
import { jobScreen } from '../../panes/job-screen.ts';
import type { TmuxServers } from '../../panes/tmux-servers.ts';
import { answerJob } from '../../permissions/answer.ts';
import type { Decisions } from '../../permissions/decisions.ts';
import type { UsedSessions } from '../../pool/used-sessions.ts';
import { listAgents } from '../../sessions/agent-list.ts';
import { startAgent } from '../../sessions/agent-start.ts';
import { stopAgent } from '../../sessions/agent-stop.ts';
import type { Trees } from '../../trees/trees.ts';
import type { Verifications } from '../../verdicts/verifications.ts';
import { type AskCommand, PAGE_BYTES } from '../wire/messages.ts';
import type { AskParams, DelegationAsk } from './ask-params.ts';
import { GuestJobs } from './guest-jobs.ts';
import { GuestTrees } from './guest-trees.ts';
import { bytesOf, eventsPage, fitting, recordFor, textPage } from './pages.ts';
import {
  checkDecides,
  checkDelegates,
  checkSession,
  checkStarts,
  type Guest,
  maySession,
  scriptFor,
} from './policy.ts';
import { type RemoteOrder, remoteOrder, remoteStart, type SettingsAt } from './remote-order.ts';
import type { Uploads } from './uploads.ts';

/** The parts of the hub that carry out what other hosts ask for. */
export interface HomeParts {
  home: Home;
  registrar: Registrar;
  delegations: Delegations;
  decisions: Decisions;
  dispatcher: Dispatcher;
  servers: TmuxServers;
  outlets: Outlets;
  verifications: Verifications;
  trees: Trees;
  used: Pick<UsedSessions, 'at'>;
  /** Texts of other hosts that are longer than a message. */
  uploads: Uploads;
  settingsAt: SettingsAt;
}

type Result = Record<string, unknown>;
type Handlers = {
  [C in AskCommand]: (guest: Guest, params: AskParams[C], askId: string) => Result | Promise<Result>;
};

const SHARED =
  'Other jobs are open in the same working folder. If both change files there, give each its own.';
const NOTED =
  'Something else is noted about its session or its folder: `mam status` there shows where it runs.';

/** What other hosts may ask of this one, by the functions that do it for its own clients. */
export class HomeCommands {
  readonly #with: HomeParts;
  readonly #jobs: GuestJobs;
  readonly #trees: GuestTrees;
  /** Jobs that are being made, by their ids: who asks for one of them waits for it. */
  readonly #making = new Map<string, Promise<unknown>>();
  readonly #handlers: Handlers = {
    delegate: (guest, asked) => this.#delegate(guest, asked),
    preview: (guest, asked) => this.#preview(guest, asked),
    put: (guest, piece) => {
      checkDelegates(guest);
      return this.#with.uploads.put(guest.host, piece);
    },
    events: async (guest, { job_id, after }) => {
      await this.#making.get(job_id)?.catch(() => {});
      return { ...eventsPage(await this.#jobs.readable(guest, job_id), after) };
    },
    text: async (guest, asked) => {
      const job = await this.#jobs.readable(guest, asked.job_id);
      const isOthers = asked.what === 'screen' && isHidden(guest, job.record);
      return { ...(await textPage(job, this.#with.outlets, asked, isOthers)) };
    },
    answer: async (guest, { job_id, text, decision, request_id, by }, askId) => {
      const { registrar, decisions } = this.#with;
      const { registryDir: registry_dir } = await this.#jobs.own(guest, job_id);
      if (decision !== undefined) checkDecides(guest);
      const answer = { job_id, registry_dir, text, decision, request_id, by };
      const { record, delivered } = await answerJob(registrar, decisions, answer, askId);
      return { record: recordFor(record), delivered };
    },
    cancel: async (guest, { job_id, reason, interrupt, by }) => {
      const { registrar, servers } = this.#with;
      const { registryDir: registry_dir } = await this.#jobs.own(guest, job_id);
      const asked = { job_id, registry_dir, reason, interrupt, by };
      const { record, ...done } = await cancelJob(registrar, servers, asked);
      return { ...done, ...(record !== undefined && { record: recordFor(record) }) };
    },
    verify: (guest, asked, askId) => this.#verify(guest, asked, askId),
    diff: async (guest, asked) => this.#trees.diff(guest, await this.#jobs.own(guest, asked.job_id), asked),
    merge: async (guest, asked, askId) =>
      this.#trees.merge(guest, await this.#jobs.own(guest, asked.job_id), asked, askId),
    discard: async (guest, asked, askId) =>
      this.#trees.discard(guest, await this.#jobs.own(guest, asked.job_id), asked, askId),
    screen: async (guest, { job_id }) => {
      const { registrar, servers, outlets } = this.#with;
      const { registryDir: registry_dir, record } = await this.#jobs.readable(guest, job_id);
      if (isHidden(guest, record)) return { screen: [], live: true, missing: 'The job waits for its pane.' };
      return { ...(await jobScreen(registrar, servers, outlets.screens, { job_id, registry_dir })) };
    },
    agents: (guest) => this.#agents(guest),
    start: async (guest, asked) => {
      const { servers, home, settingsAt } = this.#with;
      return { ...(await startAgent(servers, home, await remoteStart(guest, asked, settingsAt))) };
    },
    stop: async (guest, { session }) => {
      checkStarts(guest);
      const { servers, dispatcher, settingsAt } = this.#with;
      const { agents, tmuxSocket: tmux_socket } = await settingsAt(userHome());
      const known = (guest.may?.agents ?? kindNames(agents)).map((kind) => defaultSession(kind, agents));
      if (!known.some((own) => maySession(guest, session, own))) checkSession(guest, session, undefined);
      return { session: await stopAgent(servers, dispatcher, { tmux_socket, name: session }), stopped: true };
    },
    list: (guest, { see }) => this.#jobs.list(guest, see),
  };

  constructor(parts: HomeParts) {
    this.#with = parts;
    this.#jobs = new GuestJobs(parts.registrar);
    this.#trees = new GuestTrees(parts.trees);
  }

  /**
   * Carries an ask out.
   * @param askId the same for each repetition of the ask, and for no other
   * @throws MamError as the commands for this hub's own clients, and `refused` for what the guest may not do
   */
  async run<C extends AskCommand>(
    command: C,
    guest: Guest,
    params: AskParams[C],
    askId: string,
  ): Promise<Result> {
    return this.#handlers[command](guest, params, askId);
  }

  async #delegate(guest: Guest, asked: DelegationAsk): Promise<Result> {
    const key = asked.job_id;
    const made = this.#make(guest, asked);
    this.#making.set(key, made);
    try {
      const { result, job } = await made;
      const { record: _, ...rest } = this.#toldTo(guest, result);
      const { record, events } = eventsPage(job, 0);
      // The rest of the answer takes its place from the events.
      const first = fitting(events, PAGE_BYTES - bytesOf([record, rest]));
      return { record, ...rest, events: first, more: first.length < record.seq };
    } finally {
      if (this.#making.get(key) === made) this.#making.delete(key);
    }
  }

  async #make(guest: Guest, asked: DelegationAsk): Promise<{ result: DelegateResult; job: LiveJob }> {
    const { delegations, registrar } = this.#with;
    const { params, delegator } = await this.#orderOf(guest, asked);
    const result = await delegations.delegate(params, delegator);
    if (asked.upload !== undefined) this.#with.uploads.drop(guest.host, asked.upload);
    return { result, job: await registrar.find(asked.job_id, params.registry_dir) };
  }

  async #preview(guest: Guest, asked: DelegationAsk): Promise<Result> {
    const { params, delegator } = await this.#orderOf(guest, asked);
    const result = await this.#with.delegations.preview(params, delegator);
    return { ...this.#toldTo(guest, result), record: recordFor(result.record) };
  }

  /** The order as this host's own clients would give it, with the one name of the registry, and jobs moved there found. */
  async #orderOf(guest: Guest, asked: DelegationAsk): Promise<RemoteOrder> {
    const { registrar, settingsAt } = this.#with;
    const prompt = this.#promptOf(guest, asked);
    const { params, delegator } = await remoteOrder(guest, asked, prompt, settingsAt);
    const registry_dir = registrar.nameOf(params.registry_dir);
    await registrar.missing.arrive(registry_dir);
    // A log folder that is the registry itself is not a separate one.
    const isRegistry = params.logs_dir !== undefined && isSamePlace(params.logs_dir, registry_dir);
    return { params: { ...params, registry_dir, ...(isRegistry && { logs_dir: undefined }) }, delegator };
  }

  #promptOf({ host }: Guest, { prompt, upload }: DelegationAsk): string {
    if (prompt !== undefined) return prompt;
    if (upload !== undefined) return this.#with.uploads.get(host, upload);
    throw plainError('bad_input', 'The job has no prompt.', 'Say what the peer should do.');
  }

  /** The result without what it says of the jobs of others. */
  #toldTo<T extends DelegateResult>(guest: Guest, result: T): T {
    if (guest.may === undefined) return result;
    const { registrar } = this.#with;
    const shared = sharedFolder(result.record, registrar.open);
    const others = result.warnings.filter((warning) => !shared.includes(warning));
    const isOwn = (id: string) => registrar.held(id)?.record.supervisor.host === guest.host;
    return {
      ...result,
      behind: result.behind.filter(isOwn),
      warnings: [...(shared.length > 0 ? [SHARED] : []), ...(others.length > 0 ? [NOTED] : [])],
    };
  }

  async #verify(guest: Guest, { job_id, ...asked }: AskParams['verify'], askId: string): Promise<Result> {
    const job = await this.#jobs.own(guest, job_id);
    const { validation } = job.record;
    if (validation !== undefined) scriptFor(guest, validation.script);
    const { path_sha256: hash, virtual_env } = validation ?? {};
    const path = hash === undefined ? validation?.path : readText(job.paths.texts, hash);
    const params = { job_id, registry_dir: job.registryDir, ...asked, path, virtual_env };
    const { record, ...verdict } = await this.#with.verifications.verify(params, askId);
    return { ...verdict, record: recordFor(record) };
  }

  async #agents(guest: Guest): Promise<Result> {
    checkDelegates(guest);
    const { servers, dispatcher, home, settingsAt, registrar, used } = this.#with;
    const settings = await settingsAt(userHome());
    const all = await listAgents({ servers, dispatcher, folder: home.servers, used }, agentPlace(settings));
    const isOwn = (id: string) => registrar.held(id)?.record.supervisor.host === guest.host;
    const shown = guest.may === undefined ? all : all.flatMap((row) => seen(guest, row, settings, isOwn));
    const agents = fitting(shown, PAGE_BYTES);
    return { agents, more: agents.length < shown.length };
  }
}

/** True while the pane of a job shows the work of others, or for good if the job has ended before it had its pane. */
function isHidden(guest: Guest, { delivery }: JobRecord): boolean {
  return guest.may !== undefined && delivery.every(({ stage }) => stage === 'queued');
}

/** The row of an agent that a guest may use, without what it says of the jobs of others; nothing for any other. */
function seen(
  guest: Guest,
  row: AgentRow,
  { agents }: Pick<Settings, 'agents'>,
  isOwn: (jobId: string) => boolean,
): AgentRow[] {
  const { agent, session, jobs, program, evidence } = row;
  if (guest.may?.agents !== undefined && !guest.may.agents.includes(agent)) return [];
  const own = defaultSession(agent, agents);
  const names = session && [session.session, session.pane];
  if (names !== undefined && !names.some((name) => maySession(guest, name, own))) return [];
  return [
    {
      ...row,
      jobs: jobs.filter(isOwn),
      made_for: row.made_for !== undefined && isOwn(row.made_for) ? row.made_for : undefined,
      // It shows a part of the screen.
      evidence: jobs.length > 0 && jobs.every(isOwn) ? evidence : undefined,
      ...(program !== undefined && { program: basename(program) }),
    },
  ];
}

function defaultSession(kind: string, agents: Settings['agents']): string | undefined {
  const own = orElse(() => layersOf(kind, agents).own.session, undefined);
  return own ?? builtIn(kind)?.defaultSession;
}
