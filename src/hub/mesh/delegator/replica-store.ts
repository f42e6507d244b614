import type { JobOrder } from '../../../job/record.ts';
import type { LiveJob } from '../../jobs/live-job.ts';
import type { AskResult } from './asks.ts';

/** What this hub knows by itself about a job that it asks another host to take. */
export interface AskedFor {
  home: string;
  state: 'asking';
  asked_at: string;
  /** After this time, by the other host's clock, it takes the job no more. */
  expires_at: string;
  episode: 0;
}

/** The copies of jobs on other hosts, as far as a delegation changes them. */
export interface ReplicaStore {
  /** Its folder, prompt and state; all on disk when its `kept` resolves. @throws MamError as `Registrar.create` */
  create(order: JobOrder, prompt: string, state: AskedFor): LiveJob;
  /** The host is asked again. @param expiresAt by its clock */
  askedAgain(job: LiveJob, expiresAt: string): Promise<void>;
  /** The host has taken the job. @returns once its first events are here */
  settle(job: LiveJob, answer: AskResult): Promise<void>;
  /** The host has refused the job: its folder goes, unless the host has shown the job after all. */
  withdraw(job: LiveJob): Promise<void>;
  /** Asks the host whether it has the job after all: if not, whoever waits for it learns that it was never taken. */
  lookAgain(job: LiveJob): void;
}
