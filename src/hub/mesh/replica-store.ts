import type { JobOrder, Supervisor } from '../../job/record.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { AskResult } from './asks.ts';

/** What this hub knows by itself about a job that it asks another host to take. */
export interface AskedFor {
  home: string;
  state: 'asking';
  asked_at: string;
  /** After this time, by our clock, the other host takes it no more. */
  expires_at: string;
  seq: 0;
  episode: 0;
  supervisor: Supervisor;
  notify?: JobOrder['notify'];
  request_key?: string | undefined;
}

/** The copies of jobs on other hosts, as far as a delegation changes them. */
export interface ReplicaStore {
  /** Its folder, prompt and state; all on disk when its `kept` resolves. @throws MamError as `Registrar.create` */
  create(order: JobOrder, prompt: string, state: AskedFor): LiveJob;
  /** The host has taken the job. @returns once its first events are here */
  settle(job: LiveJob, answer: AskResult): Promise<void>;
  /** The host has refused the job: its folder goes, unless the host has shown the job after all. */
  withdraw(job: LiveJob): Promise<void>;
  /** It became clear only later that the host has not taken the job: whoever waits for it learns that it has failed. */
  neverTaken(job: LiveJob, why: string): Promise<void>;
}
