import { waitForJobs } from '../bus/waiter.ts';
import { loadSettings } from '../config.ts';
import { openLink, readyHub } from '../hub/client.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import { cleanLine } from '../job/text.ts';
import { isFinal } from '../job/words.ts';
import { briefs, eventRows } from '../view/job.ts';
import { type WaitView, waitSummary } from '../view/summary.ts';
import { defineCommand } from './command.ts';
import { worstExit } from './exit.ts';
import { jobIdOf, jobOption, jobWord } from './job-argument.ts';
import { eventText, stateText } from './job-text.ts';
import { nextStep } from './next-step.ts';
import { note, print, printJson } from './output.ts';
import { ProgressLine } from './progress-line.ts';

/** The longest time setTimeout can count, in ms. */
const NO_LIMIT_MS = 2 ** 31 - 1;
const MAX_JOBS = 200;
const WORDS_CHARS = 200;

export default defineCommand({
  about: [
    'Waits until a job is final or needs somebody; without an id until every open job of the registry is final. ' +
      'There a job that needs somebody is printed and waited for on.',
    'Ctrl-C stops waiting, not the job.',
  ],
  words: [jobWord],
  options: {
    job: jobOption,
    timeout: { type: 'seconds', value: 'SECONDS', about: 'how long to wait; without it there is no limit' },
  },
  json: { tool: 'wait_job', also: 'Nothing is cut, and `jobs_left_out` is 0.' },
  exits: {
    done: 'completed; of several jobs, every one',
    failed: 'failed or cancelled; of several jobs, one of them',
    running: 'time is up, or Ctrl-C: the job goes on',
    attention: 'the job needs an answer',
  },
  examples: ['mam wait --job fix-login-7f3kq2ab --timeout 600', 'mam wait'],

  async run({ options, words, registryDir, json }) {
    const settings = await loadSettings({ registryDir });
    const named =
      options.job === undefined && words[0] === undefined
        ? undefined
        : jobIdOf(settings.registryDir, options.job, words[0]);
    await readyHub(settings);
    const link = openLink(settings);
    const until = Date.now() + (options.timeout === undefined ? NO_LIMIT_MS : options.timeout * 1000);
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    const line = new ProgressLine(named === undefined ? 'open jobs' : named, json ? false : undefined);
    try {
      let open = named === undefined ? await openJobs() : [named];
      const end: WaitView = { outcome: 'final', jobs: [] };
      const events: RecordedEvent[] = [];
      let cursor: string | undefined;
      while (open.length > 0) {
        const found = await waitForJobs({
          link,
          host: settings.host,
          registryDir: settings.registryDir,
          jobIds: open,
          until: 'any',
          timeoutMs: Math.max(0, until - Date.now()),
          cursor,
          signal: stop.signal,
          onEvent: (message) => {
            events.push(message.event);
            line.take(message);
            if (!json) line.print(`${message.event.job_id}  ${eventText(message.event)}`);
          },
        });
        cursor = found.cursor;
        const left = found.jobs.filter(({ status }) => !isFinal(status));
        end.jobs.push(...found.jobs.filter(({ status }) => isFinal(status)));
        // One job is waited for until it needs somebody; of many, the rest may still get done meanwhile.
        const over = found.outcome === 'still_running' || named !== undefined;
        for (const job of found.jobs) {
          if (!json && (over || isFinal(job.status) || job.reason !== undefined)) line.print(jobText(job));
        }
        if (over) {
          end.outcome = found.outcome;
          end.jobs.push(...left);
          break;
        }
        open = left.map((job) => job.job_id);
      }
      line.end();
      if (stop.signal.aborted)
        note(`stopped waiting; ${named === undefined ? 'the jobs go' : 'the job goes'} on.`);
      if (json) printJson(jsonOf(end, events, cursor));
      return worstExit(end.jobs);
    } finally {
      line.end();
      await link.close();
    }

    async function openJobs(): Promise<string[]> {
      const { jobs } = await link.request('list', {
        registry_dir: settings.registryDir,
        open_only: true,
        limit: MAX_JOBS,
      });
      if (jobs.length === 0 && !json) print(`No open job in ${settings.registryDir}.`);
      return jobs.map((job) => job.job_id);
    }
  },
});

function jobText(job: JobRecord): string {
  const verdict = job.reason === 'validation_failed' ? 'the validation script failed; the peer said: ' : '';
  const words = job.detail === undefined ? '' : `  ${verdict}${cleanLine(job.detail, WORDS_CHARS)}`;
  const step = job.final_at === undefined ? `\n  next: ${nextStep(job)}` : '';
  return `${job.job_id}  ${stateText(job)}${words}${step}`;
}

function jsonOf(end: WaitView, events: RecordedEvent[], cursor: string | undefined) {
  const { jobs, left_out } = briefs(end.jobs, Number.POSITIVE_INFINITY);
  const open = end.jobs.find((job) => job.final_at === undefined);
  return {
    summary: waitSummary(end),
    outcome: end.outcome,
    jobs,
    jobs_left_out: left_out,
    events: eventRows(events, Number.POSITIVE_INFINITY),
    cursor: cursor ?? '',
    next: open === undefined ? 'mam list' : nextStep(open),
  };
}
