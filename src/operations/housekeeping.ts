import { count, type Field, flag, group, list, maybe, type Sent, text, truth } from '../base/fields.ts';
import type { HookReport } from '../job/hook.ts';
import { origin } from './common.ts';
import type { MeshStatus } from './hosts.ts';

const session = text('a client session');
const registry_dir = text('folder of the registry, absolute');

/** Jobs that a client session is waiting for: its wait will notify it of them. */
export const hold = { params: { registry_dir, session, job_ids: list(text()) } };
export type HoldParams = Sent<typeof hold.params>;

/** What a client session was shown: each job as it was after the event `seq`. */
export const seen = {
  params: {
    registry_dir,
    session,
    jobs: list(group({ job_id: text(), seq: count() })),
    by_person: flag('a person has looked, not an agent'),
  },
};

export const prune = {
  params: {
    registry_dir,
    before: text('remove the final jobs that ended before this time, ISO 8601'),
    dry_run: flag(),
    cursor: maybe(text('cursor of the last answer, to continue after it')),
  },
};
export type PruneParams = Sent<typeof prune.params>;

/** One page of the jobs that were pruned, or would be. */
export interface PruneResult {
  pruned: {
    job_id: string;
    status: string;
    final_at: string;
    bytes: number;
    /** Its git worktree, which is removed as well: other branches have all that is in it. */
    worktree?: string | undefined;
  }[];
  /** Jobs that were kept although they may be old enough, each with the reason. */
  kept: { job_id: string; why: string }[];
  /** Where the next page begins; absent on the last one. */
  cursor?: string | undefined;
}

/** What an agent's hook reports. */
const said = maybe(text());
const report = group(
  {
    ...{ type: text(), text: said, tool: said, input: said, call_id: said, turn_id: said, session_id: said },
    ...{ transcript: said, ledger: said, model: said },
    ...{ background: maybe(truth()), resume_at: said },
  },
  'what happened',
);

export const hook = {
  params: {
    agent: text('the agent kind'),
    report: report as Field<HookReport>,
    origin,
    waits: flag('the hook can answer a permission request, and waits for the decision'),
  },
};
export type HookParams = Sent<typeof hook.params>;

export interface HookResult {
  decision?: 'allow' | 'deny' | undefined;
  reason?: string | undefined;
}

/** How the `on_event` command ended for a test event. */
export interface TestEventResult {
  took_ms: number;
  /** Why it failed; absent if it ended with 0. */
  problem?: string | undefined;
  /** The end of what it printed. */
  output: string;
}

export interface HubStatus {
  version: string;
  protocol: number;
  pid: number;
  host: string;
  realm: string;
  broker: string;
  /** Why the hub is not connected to the external broker. */
  broker_problem?: string | undefined;
  started_at: string;
  clients: number;
  /** Of this host. */
  open_jobs: number;
  /** Those that it has given to other hosts; absent if none is open. */
  open_elsewhere?: number | undefined;
  registries: string[];
  /** Registries with open jobs that can't be written or read now. */
  away?: AwayRegistry[] | undefined;
  /** Live jobs that can't be verified because the key of `MAM_HOME` was lost. */
  unproven?: string[] | undefined;
  /** Absent while no other machine is configured. */
  mesh?: MeshStatus | undefined;
}

/** The open jobs on other hosts, as the end of a count of those of this one; nothing if there are none. */
export function elsewhereText({ open_elsewhere: jobs }: HubStatus): string {
  if (jobs === undefined) return '';
  return `, and ${jobs} on ${jobs === 1 ? 'another host' : 'other hosts'}`;
}

export interface AwayRegistry {
  registry_dir: string;
  jobs: string[];
  /** What is wrong with it; absent if it does not exist. */
  why?: string | undefined;
}
