import { waitForJobs } from '../bus/waiter.ts';
import { loadSettings } from '../config.ts';
import { openLink, readyHub } from '../hub/client.ts';
import type { JobRecord } from '../job/record.ts';
import { cleanLine } from '../job/text.ts';
import { isFinal } from '../job/words.ts';
import { print, runWith, secondsOf, textOf, type Usage } from './command-line.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { eventText, stateText } from './job-text.ts';

const usage: Usage = {
  synopsis: 'wait [--job ID] [--timeout SECONDS] [--json]',
  text: [
    'Waits until a job is final or needs somebody; without --job until every open job of the registry is final.',
    '',
    '  --timeout SECONDS  how long to wait; without it there is no limit',
    '',
    'Exit code 0: completed; 1: failed or cancelled; 3: time is up; 4: the job of --job needs an answer. Of several the worst;\nwithout --job a job that needs somebody is printed and waited for on.',
    'Ctrl-C stops waiting, not the job.',
    'Example: mam wait --job fix-login-7f3kq2ab --timeout 600',
  ].join('\n'),
  options: { job: { type: 'string' }, timeout: { type: 'string' } },
};

/** The longest time setTimeout can count, in ms. */
const NO_LIMIT_MS = 2 ** 31 - 1;
const MAX_JOBS = 200;
/** From the best end to the worst. */
const WORST: readonly number[] = [EXIT.done, EXIT.running, EXIT.attention, EXIT.failed];

/** `mam wait` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values) => {
    const json = values['json'] === true;
    const seconds = secondsOf(values, 'timeout');
    const settings = await loadSettings({ registryDir: textOf(values, 'registry-dir') });
    await readyHub(settings);
    const link = openLink(settings);
    const until = Date.now() + (seconds === undefined ? NO_LIMIT_MS : seconds * 1000);
    const stop = new AbortController();
    process.once('SIGINT', () => {
      process.stderr.write('mam: stopped waiting; the job goes on.\n');
      stop.abort();
    });
    try {
      const named = textOf(values, 'job');
      let open = named === undefined ? await openJobs() : [named];
      const ended: JobRecord[] = [];
      let cursor: string | undefined;
      while (open.length > 0) {
        const end = await waitForJobs({
          link,
          host: settings.host,
          registryDir: settings.registryDir,
          jobIds: open,
          until: 'any',
          timeoutMs: Math.max(0, until - Date.now()),
          cursor,
          signal: stop.signal,
          onEvent: ({ event }) => json || print(`${event.job_id}  ${eventText(event)}`),
        });
        for (const job of end.jobs.filter(({ status }) => isFinal(status))) ended.push(job);
        const left = end.jobs.filter(({ status }) => !isFinal(status));
        // One job is waited for until it needs somebody; of many, the rest may still get done meanwhile.
        const over = end.outcome === 'still_running' || named !== undefined;
        for (const job of over
          ? end.jobs
          : end.jobs.filter((job) => isFinal(job.status) || job.reason !== undefined)) {
          if (!json)
            print(
              `${job.job_id}  ${stateText(job)}${job.detail === undefined ? '' : `  ${cleanLine(job.detail, 200)}`}`,
            );
        }
        if (over) return finish([...ended, ...left], json);
        open = left.map((job) => job.job_id);
        cursor = end.cursor;
      }
      return finish(ended, json);
    } finally {
      await link.close();
    }

    async function openJobs(): Promise<string[]> {
      const { registryDir } = settings;
      const { jobs } = await link.request('list', {
        registry_dir: registryDir,
        open_only: true,
        limit: MAX_JOBS,
      });
      if (jobs.length === 0 && !json) print(`No open job in ${registryDir}.`);
      return jobs.map((job) => job.job_id);
    }
  });
}

function finish(jobs: JobRecord[], json: boolean): number {
  if (json) print(JSON.stringify({ jobs }));
  const worst = Math.max(0, ...jobs.map((job) => WORST.indexOf(exitCodeOf(job))));
  return WORST[worst] ?? EXIT.failed;
}
