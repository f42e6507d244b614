import { isJobId } from '../base/ids.ts';
import type { DataFields, RecordedEvent } from './event.ts';
import type { JobHome } from './home.ts';
import { homeNews, isHostOffline } from './home-state.ts';
import type { JobOrder, JobRecord } from './record.ts';
import { isFinal } from './words.ts';

/** One of our words for a state: too short to say anything else. */
const WORD = /^[a-z_]{1,20}$/;

/** What a hub keeps beside the copy of a job that another hub writes: all that is this hub's own affair. */
export interface ReplicaState {
  /** The host whose hub writes the job, by the name that it has here. */
  home: string;
  /** `asking`: it has not shown the job yet; `ended`: nothing is missing; `lost`: nothing more is expected. */
  state: JobHome['state'];
  /** When the home was first asked, ISO 8601. */
  asked_at: string;
  /** When the ask expires, by the home's clock. */
  expires_at?: string | undefined;
  /** The order as it was composed here: whose the job is, and who is to be notified. */
  order: JobOrder;
  /** When the copy was last known to be complete. */
  synced_at?: string | undefined;
  offline_since?: string | undefined;
  /** How many times something happened that no event of the home says. */
  episode: number;
  /** The home never took the job: the only verdict of this hub, which any event of the home overrules. */
  never_taken?: { at: string; detail: string } | undefined;
  /** When nothing more was expected from the home. */
  lost_at?: string | undefined;
  /** Sentences about what is wrong with the home's journal. */
  damage?: string[] | undefined;
  /** How far the supervisor was notified: up to this `wake_seq`, and this episode. */
  notified_seq?: number | undefined;
  notified_episode?: number | undefined;
  /** As `JobRecord.notifying`. */
  notifying?: string | undefined;
}

/** True for a copy of which nothing more is expected. */
export function isComplete({ state }: Pick<ReplicaState, 'state'>): boolean {
  return state === 'ended' || state === 'lost';
}

/** A change of some fields; one that is set to undefined is removed. */
export type ReplicaChange = { [F in keyof ReplicaState]?: ReplicaState[F] | undefined };

/**
 * A state with a change. A loss and the verdict are episodes by themselves, unless the change says which.
 * @param at now, ISO 8601
 */
export function changed(state: ReplicaState, change: ReplicaChange, at: string): ReplicaState {
  const isLoss = change.state === 'lost' && state.state !== 'lost';
  const isVerdict = change.never_taken !== undefined && state.never_taken === undefined;
  const episode = (isLoss || isVerdict) && change.episode === undefined && { episode: state.episode + 1 };
  const lost_at = (change.state ?? state.state) === 'lost' ? (state.lost_at ?? at) : undefined;
  const next = { ...state, ...change, ...episode, lost_at };
  return Object.fromEntries(Object.entries(next).filter(([, value]) => value !== undefined)) as never;
}

/** The change that an event about the notification of the supervisor is. */
export function notifiedChange({ seq = 0, episode, line, how }: Partial<DataFields>): ReplicaChange {
  const over = how !== 'seen' && { notifying: undefined };
  return {
    notified_seq: seq,
    ...(episode !== undefined && { notified_episode: episode }),
    ...(line === undefined ? over : { notifying: line }),
  };
}

/**
 * A job as this hub shows it: the home's record, with what is this hub's own.
 * @param record folded from the home's events; undefined while there are none
 * @param registryDir where the copy is
 */
export function asReplica(
  record: JobRecord | undefined,
  state: ReplicaState,
  registryDir: string,
): JobRecord {
  const { order, asked_at, lost_at, notified_seq, notified_episode, notifying } = state;
  const { agent_process: _, typing: __, notify: ___, ...theirs } = record ?? unheard(state);
  const { notified_seq: _seq, notifying: _line, parent_job_id: _parent, request_key: _key, ...kept } = theirs;
  const { supervisor, notify, request_key, parent_job_id, typing } = order;
  return {
    ...inFolder(inOurWords(kept), registryDir),
    ...{ supervisor, ...(notify && { notify }) },
    // The copy has the task as it was delegated, without what the home puts before it.
    ...{ prompt_sha256: order.prompt_sha256, prompt_bytes: order.prompt_bytes },
    ...(request_key !== undefined && { request_key }),
    ...(parent_job_id !== undefined && { parent_job_id }),
    ...(typing && { typing: { mam: typing.mam } }),
    ...(notified_seq !== undefined && { notified_seq }),
    ...(notified_episode !== undefined && { notified_episode }),
    ...(notifying !== undefined && { notifying }),
    // Lists are in this order, and the home's clock may be another.
    created_at: asked_at,
    ...(lost_at !== undefined && { final_at: theirs.final_at ?? lost_at }),
    home: homeOf(state, record !== undefined),
  };
}

function homeOf(state: ReplicaState, isShown: boolean): JobHome {
  const { home: host, offline_since, synced_at, episode } = state;
  return {
    host,
    state: state.state === 'asking' && isShown ? 'following' : state.state,
    online: offline_since === undefined,
    ...(offline_since !== undefined && { offline_since }),
    ...(synced_at !== undefined && { synced_at }),
    episode,
  };
}

/** A job of which the home has shown nothing. */
function unheard({ order, asked_at: at, never_taken: verdict }: ReplicaState): JobRecord {
  return {
    ...order,
    ...{ status: 'queued', phase: 'queued', attention: [], requests: [], messages: [], delivery: [] },
    ...{ created_at: at, last_sign_of_life_at: at, late: false, seq: 0, wake_seq: 0 },
    ...(verdict && {
      ...{ status: 'failed', reason: 'delivery_failed' },
      ...{ detail: verdict.detail, final_at: verdict.at },
    }),
  };
}

/**
 * The home's words for what blocks a job go into sentences and commands of this hub, one of which is typed into its
 * supervisor's pane: each must be one word. A command that helps there helps nobody here.
 */
function inOurWords({
  blocked_by: by,
  blocked_what: what,
  blocked_step: _,
  ...record
}: JobRecord): JobRecord {
  const { behind, ...rest } = record;
  const isKnown = behind !== undefined && isJobId(behind.job_id) && WORD.test(behind.needs);
  return {
    ...rest,
    ...(by !== undefined && { blocked_by: WORD.test(by) ? by : 'unknown' }),
    ...(what !== undefined && { blocked_what: WORD.test(what) ? what : 'unknown' }),
    ...(isKnown && { behind }),
  };
}

/** The copy's own folder holds the long texts; everything else that the record names is on the home. */
function inFolder(record: JobRecord, registryDir: string): JobRecord {
  const [theirs, folder] = [record.registry_dir, registryDir].map((dir) => `${dir}/${record.job_id}`);
  const here = (file: string): string =>
    file.startsWith(`${theirs}/`) ? `${folder}${file.slice(theirs?.length)}` : file;
  const { result_file, requests } = record;
  return {
    ...record,
    ...{ registry_dir: registryDir, log_dir: folder ?? registryDir },
    ...(result_file !== undefined && { result_file: here(result_file) }),
    requests: requests.map((request) =>
      request.input_file === undefined ? request : { ...request, input_file: here(request.input_file) },
    ),
  };
}

/** A change of the copy without an event of its own, as an event that no journal has. @param at ISO 8601 */
export function homeEvent(record: JobRecord, order: JobOrder, at: string): RecordedEvent {
  const { job_id, seq } = record;
  const event = {
    seq,
    event_id: `home-${job_id}-${at}`,
    job_id,
    source: 'hub' as const,
    at,
    recorded_at: at,
  };
  // Whoever hears of the job for the first time can list it.
  if (seq === 0 && !isFinal(record.status)) return { ...event, type: 'queued', data: { job: order } };
  const type = isHostOffline(record) ? 'host_offline' : homeNews(record) > 0 ? 'host_lost' : 'host';
  return { ...event, type };
}
