import { MamError } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import { orElse } from '../base/or-else.ts';
import { reasonOf } from '../job/home-state.ts';
import { isLookWanted } from '../job/new-session.ts';
import type { EarlierJob } from '../operations/status.ts';
import { foldShown } from '../registry/history.ts';
import { homePaths } from '../registry/home.ts';
import { jobPaths, taskFile } from '../registry/paths.ts';
import type { Settings } from '../settings/config.ts';
import { eventRows, jobView } from '../view/job.ts';
import { nextStep } from '../view/next-step.ts';
import { statusSummary } from '../view/summary.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { note, printAnswer } from './core/output.ts';
import { readingSettings } from './core/settings.ts';
import { jobWord, theJob } from './jobs/job-argument.ts';
import { findJob, registryOf } from './jobs/job-log.ts';
import { eventText, recordText } from './jobs/job-text.ts';
import { printShortStatus } from './jobs/short-status.ts';

export default defineCommand({
  synopsis: 'ID | [--job ID] | --short',
  about: [
    "Shows a job's record and its events. Reads the files, so it needs no hub; only if a session of its own is still to be ended when someone has looked, the hub is told.",
    'With --short: one line for a status bar, such as `2 need you · 3 working`, about the open jobs of all projects, or of ' +
      'one with --registry-dir. With no open job the line is empty. It starts no hub, and exits with 0 even if something ' +
      'cannot be read; stderr says what.',
  ],
  words: [jobWord],
  options: { ...theJob, short: flag('only count the open jobs, for a status bar') },
  json: {
    tool: 'job_status',
    also:
      'All events are included, so `more_events` is false. With --short: `summary`, `needs_you`, `working`, `queued`, ' +
      '`next`.',
  },
  exits: { done: 'the job was found, whatever its status; with --short: always' },
  examples: ['mam status k3f9x2ab-fix-login-test', 'mam status k3f9', 'mam status --short'],

  async run({ options, words, registryDir, json }) {
    if (options.short) {
      if (options.job_id !== undefined || words.length > 0)
        throw new MamError('bad_input', '--short is about all jobs.', 'Leave out the id, or --short.');
      return printShortStatus(registryDir, json);
    }
    const settings = await readingSettings(registryDir);
    const { jobId, dir } = findJob(settings, options.job_id, words[0]);
    const { record, events, damage } = foldShown(dir, jobId, homePaths(settings.home));
    const waits_for = record.after?.map((id) => earlierJob(settings, id));
    const view = {
      summary: statusSummary(record),
      ...jobView(record, false),
      events: eventRows(events, Number.POSITIVE_INFINITY),
      cursor: record.seq,
      more_events: false,
      task_file: taskFile(record, jobPaths(dir, jobId)),
      ...(waits_for !== undefined && { waits_for }),
      ...(damage.length > 0 && { damage }),
      next: nextStep(record),
    };
    printAnswer(json, view, [recordText(record, waits_for), '', ...events.map(eventText)].join('\n'));
    for (const sentence of damage) note(sentence);
    if (isLookWanted(record)) {
      const { tellLookAt } = await import('./jobs/tell-look.ts');
      await tellLookAt({ ...settings, registryDir: dir }, record);
    }
    return EXIT.done;
  },
});

/** A job that another one comes after, as its files say it. */
function earlierJob(settings: Settings, id: string): EarlierJob {
  // It is a whole id: as a part it might be that of another job.
  const dir = orElse(() => registryOf(settings, id), undefined);
  const record =
    dir === undefined
      ? undefined
      : orElse(() => foldShown(dir, id, homePaths(settings.home)).record, undefined);
  if (record === undefined) return { job_id: id, status: 'unknown' };
  const reason = reasonOf(record);
  return { job_id: id, status: record.status, ...(reason !== undefined && { reason }) };
}
