import { flag, maybe, type Sent, text } from '../base/fields.ts';
import { counted } from '../base/text.ts';
import { dayAndTime } from '../view/times.ts';

/** What one host lets another ask of it. */
export interface HostAllows {
  delegate: boolean;
  start: boolean;
  validate: boolean;
  decide: boolean;
  /** Whether it shows only the jobs that the other has given it, or all of its jobs. */
  see: 'own' | 'all';
}

/** Another machine, as this hub sees it. */
export interface HostRow {
  host: string;
  /** `unknown`: nothing has come from it since this hub started. */
  state: 'online' | 'offline' | 'unknown';
  /** Since when, ISO 8601. */
  since?: string | undefined;
  version?: string | undefined;
  protocol?: number | undefined;
  /** Our open jobs there. */
  jobs: number;
  /** How it is reached: `socket` if it has come to this hub over ssh. Absent if there is no way to it. */
  via?: 'broker' | 'ssh' | 'socket' | undefined;
  /** The destination of `ssh`, such as `me@hostb.lan`. */
  ssh?: string | undefined;
  /** How mam is called there over ssh, if not `mam`. */
  mam?: string | undefined;
  /** False for a host that `hosts` does not name: one of which there are still jobs, that has come, or that `all` found. */
  named: boolean;
  /** What it lets us ask, by its own word; absent before its first one. */
  may_we?: HostAllows | undefined;
  /** What we let it ask; absent if nothing. */
  may_it?: HostAllows | undefined;
  /** How far its clock is ahead of ours, in ms; negative if it is behind. */
  clock_ms?: number | undefined;
  /** Of its last `hello`, in ms. */
  round_trip_ms?: number | undefined;
  /** Why it cannot be asked although it should: another protocol, no way to it, an ssh that ended. */
  problem?: string | undefined;
}

/** This hub among others. */
export interface MeshStatus {
  /** Its own name for others. */
  host: string;
  /** How many hosts `hosts` names, and how many of them are online. */
  hosts: number;
  online: number;
  /** The broker that hubs share; absent if none is configured. */
  broker?: MeshBroker | undefined;
}

export interface MeshBroker {
  /** `joined`; `away`: not connected; `name_taken`: another hub has this hub's name, so that it stays off. */
  state: 'joined' | 'away' | 'name_taken';
  /** Why it is not `joined`, as a sentence. */
  problem?: string | undefined;
  /**
   * Whether the broker checks who sends: `unproven` means that other hosts are refused; `trusted` means that it does not,
   * but `trust_realm` is set. Absent until it was tried.
   */
  senders?: 'proven' | 'unproven' | 'trusted' | undefined;
}

export const hosts = {
  params: {
    all: flag('also every hub that the broker knows in this realm'),
    check: maybe(text('only this host, and say hello to it now')),
  },
};
export type HostsParams = Sent<typeof hosts.params>;

export interface HostsResult extends MeshStatus {
  /** Those that `hosts` names, in its order, then the others. */
  rows: HostRow[];
}

/** What a host may be asked, in words, such as `delegate, decide`; `?` while it has not said. */
export function allowsText(allows: HostAllows | undefined, otherwise: '?' | 'nothing'): string {
  if (allows === undefined) return otherwise;
  const switches = (['delegate', 'start', 'validate', 'decide'] as const).filter((name) => allows[name]);
  const all = [...switches, ...(allows.see === 'all' ? ['see all jobs'] : [])];
  // Four switches, and which jobs it sees.
  if (all.length === 5) return 'everything';
  return all.length === 0 ? 'nothing' : all.join(', ');
}

/** Whether a host is there, in words, such as `offline since 2026-11-22 14:03`. */
export function stateText({ state, since }: Pick<HostRow, 'state' | 'since'>): string {
  if (state === 'unknown') return 'not heard from yet';
  return state === 'online' || since === undefined ? state : `${state} since ${dayAndTime(since)}`;
}

/** How a host is reached, such as `ssh me@hostb.lan`. */
export function viaText({ via, ssh }: Pick<HostRow, 'via' | 'ssh'>): string {
  if (via === 'socket') return 'its ssh';
  return via === 'ssh' && ssh !== undefined ? `ssh ${ssh}` : (via ?? '-');
}

/** How many hosts there are, as a sentence. */
export function hostsSummary({ host, rows }: HostsResult): string {
  const online = rows.filter(({ state }) => state === 'online').length;
  if (rows.length === 0) return `No other host is configured; this one is ${host}.`;
  return `${counted(rows.length, 'other host')}, ${online} online; this one is ${host}.`;
}
