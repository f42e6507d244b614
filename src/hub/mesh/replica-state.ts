import type { LiveJob } from '../jobs/live-job.ts';

/** What this hub knows of a job whose home is another host, beside its events. */
export interface ReplicaState {
  home: string;
  state: 'asking' | 'following' | 'ended' | 'lost';
  asked_at: string;
  /** In the clock of the home. */
  expires_at?: string | undefined;
  offline_since?: string | undefined;
  episode: number;
  synced_at?: string | undefined;
  /** The home never took the job. */
  never_taken?: { at: string; detail: string } | undefined;
  damage?: string[] | undefined;
}
export type ReplicaChange = Partial<ReplicaState>;
export type ReplicaJob = LiveJob & { replica?: ReplicaState | undefined };
