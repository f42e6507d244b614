import type { Tool } from '../src/tool/tool.ts';
import answerJob from './answer-job.ts';
import cancelJob from './cancel-job.ts';
import delegateJob from './delegate-job.ts';
import jobLogs from './job-logs.ts';
import jobStatus from './job-status.ts';
import listAgents from './list-agents.ts';
import listJobs from './list-jobs.ts';
import publishEvent from './publish-event.ts';
import startAgent from './start-agent.ts';
import stopAgent from './stop-agent.ts';
import verifyJob from './verify-job.ts';
import waitJob from './wait-job.ts';

/** Every tool, in the order that clients list them. */
export const tools: readonly Tool[] = [
  delegateJob,
  waitJob,
  answerJob,
  jobStatus,
  listJobs,
  jobLogs,
  verifyJob,
  cancelJob,
  listAgents,
  startAgent,
  stopAgent,
  publishEvent,
];
