import type { Tool } from '../src/mcp/tool.ts';
import cancelJob from './cancel-job.ts';
import delegateJob from './delegate-job.ts';
import jobStatus from './job-status.ts';
import listJobs from './list-jobs.ts';
import publishEvent from './publish-event.ts';
import waitJob from './wait-job.ts';

/** Every tool, in the order that clients list them. */
export const tools: readonly Tool[] = [delegateJob, waitJob, jobStatus, listJobs, cancelJob, publishEvent];
