import { foldShown } from '../registry/history.ts';
import { homePaths } from '../registry/home.ts';
import { jobPaths } from '../registry/paths.ts';
import { eventRows, jobView } from '../view/job.ts';
import { nextStep } from '../view/next-step.ts';
import { statusSummary } from '../view/summary.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { note, printAnswer } from './core/output.ts';
import { readingSettings } from './core/settings.ts';
import { jobWord, theJob } from './jobs/job-argument.ts';
import { findJob } from './jobs/job-log.ts';
import { eventText, recordText } from './jobs/job-text.ts';

export default defineCommand({
  about: ["Shows a job's record and its events. Reads the files, so it needs no hub."],
  words: [jobWord],
  options: theJob,
  json: { tool: 'job_status', also: 'All events are included, so `more_events` is false.' },
  exits: { done: 'the job was found, whatever its status' },
  examples: ['mam status k3f9x2ab-fix-login-test', 'mam status k3f9'],

  async run({ options, words, registryDir, json }) {
    const settings = await readingSettings(registryDir);
    const { jobId, dir } = findJob(settings, options.job_id, words[0]);
    const { record, events, damage } = foldShown(dir, jobId, homePaths(settings.home));
    const view = {
      summary: statusSummary(record),
      ...jobView(record, false),
      events: eventRows(events, Number.POSITIVE_INFINITY),
      cursor: record.seq,
      more_events: false,
      task_file: jobPaths(dir, jobId).prompt,
      ...(damage.length > 0 && { damage }),
      next: nextStep(record),
    };
    printAnswer(json, view, [recordText(record), '', ...events.map(eventText)].join('\n'));
    for (const sentence of damage) note(sentence);
    return EXIT.done;
  },
});
