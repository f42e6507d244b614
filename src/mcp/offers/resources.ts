import type { ReadResourceResult, Resource } from '@modelcontextprotocol/sdk/types.js';
import jobStatus from '../../../tools/job-status.ts';
import listJobs from '../../../tools/list-jobs.ts';
import { MamError } from '../../base/errors.ts';
import { clean, cleanAll, cleanLine } from '../../base/text.ts';
import { LIMITS } from '../../job/limits.ts';
import type { JobRow } from '../../job/row.ts';
import type { ScreenResult } from '../../operations/logs.ts';
import type { ToolContext } from '../../tool/tool.ts';
import { attacher } from '../../view/attach.ts';
import { callOf } from '../../view/call-of.ts';
import { logText } from '../../view/log-text.ts';
import { timeline } from '../../view/timeline.ts';
import type { HubConnection } from '../session/engine.ts';
import { noSuchJob, parseJobUri } from './job-uri.ts';
import { BOTH, JOBS_URI, MIME_TYPES } from './offers.ts';

/** How many jobs `mam://jobs` shows, the newest. */
export const JOBS_SHOWN = 40;
/** How many jobs are listed as separate resources, the newest. */
const LISTED = 50;
/** How many of the newest events are read; a log shows as many as fit. */
const LOG_EVENTS = 100;
const TITLE_CHARS = 80;

/**
 * The newest jobs as separate resources. Only over an existing connection: a client that lists resources must not start
 * a hub.
 */
export async function jobResources(hub: HubConnection | undefined): Promise<Resource[]> {
  if (hub?.connected !== true) return [];
  const params = { registry_dir: hub.settings.registryDir, limit: LISTED };
  // Losing the hub right now must not hide the resources that always exist.
  const { jobs } = await hub.peek('list', params).catch(() => ({ jobs: [] }));
  return jobs.map(toResource);
}

function toResource({ job_id, agent, prompt_preview, final_at }: JobRow): Resource {
  const words = cleanLine(prompt_preview, TITLE_CHARS);
  return {
    uri: `${JOBS_URI}/${job_id}`,
    name: job_id,
    title: words === '' ? job_id : words,
    description: `Job of ${cleanLine(agent, TITLE_CHARS)}: ${words}`,
    mimeType: MIME_TYPES.job,
    annotations: { audience: BOTH, priority: final_at === undefined ? 0.6 : 0.2 },
  };
}

/** A resource's text, at most 20,000 characters. @throws ProtocolError -32002 if there is none, MamError without hub */
export async function readResource(uri: string, context: ToolContext): Promise<ReadResourceResult> {
  const what = parseJobUri(uri);
  try {
    const text = what.kind === 'jobs' ? await jobsText(context) : await TEXTS[what.kind](what.jobId, context);
    return { contents: [{ uri, mimeType: MIME_TYPES[what.kind], text }] };
  } catch (error) {
    if (error instanceof MamError && error.code === 'not_found') throw noSuchJob();
    throw error;
  }
}

async function jobsText(context: ToolContext): Promise<string> {
  for (let limit = JOBS_SHOWN; ; limit = Math.ceil(limit / 2)) {
    const answer = await listJobs.handle({ mine: false, needs_you: false, limit }, context);
    const text = JSON.stringify(listJobs.outputSchema.parse(cleanAll(answer)));
    if (text.length <= LIMITS.answerChars || limit === 1) return text;
  }
}

const TEXTS = {
  /** Exactly the tool's answer, so that the fields always match. */
  async job(jobId: string, context: ToolContext): Promise<string> {
    const answer = await jobStatus.handle({ job_id: jobId }, context);
    return JSON.stringify(jobStatus.outputSchema.parse(cleanAll(answer)));
  },

  async log(jobId: string, { engine }: ToolContext): Promise<string> {
    const address = { job_id: jobId, registry_dir: engine.settings.registryDir };
    const ask = (after: number) =>
      engine.request('log', { ...address, events_after: after, limit: LOG_EVENTS });
    let log = await ask(0);
    if (log.more) log = await ask(Math.max(0, log.record.seq - LOG_EVENTS));
    const rest = callOf('job_logs', { job_id: jobId, after: 0 });
    return logText(timeline(log.events, log.record), log.record, rest, LIMITS.answerChars);
  },

  async screen(jobId: string, { engine, caller }: ToolContext): Promise<string> {
    const address = { job_id: jobId, registry_dir: engine.settings.registryDir };
    const [pane, { record }] = await Promise.all([
      engine.request('screen', address),
      engine.request('status', address),
    ]);
    const command = attacher({ ...engine.settings, inside: caller.socket })(record);
    const rest =
      command === undefined || !pane.live
        ? `See ${clean(record.log_dir)}/screen.txt.`
        : `A person can see it with: ${clean(command)}`;
    return screenText(pane, rest, LIMITS.answerChars);
  },
};

/** A pane's screen, or its end in `room` characters, with notes in brackets. @param rest says where all of it is */
function screenText({ screen, live, missing }: ScreenResult, rest: string, room: number): string {
  if (missing !== undefined) return `[No screen: ${clean(missing)}]`;
  const ended = live ? [] : ['[As it was when the job ended.]'];
  const rows = clean(screen.join('\n')).trimEnd().split('\n');
  const whole = [...ended, ...rows].join('\n');
  if (whole.length <= room) return whole;
  const cut = `[The upper rows are left out. ${rest}]`;
  let left = room - [...ended, cut].join('\n').length;
  const from = rows.findLastIndex((row) => {
    left -= row.length + 1;
    return left < 0;
  });
  return [...ended, cut, ...rows.slice(from + 1)].join('\n');
}
