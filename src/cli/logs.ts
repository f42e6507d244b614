import { dirname } from 'node:path';
import { MamError } from '../base/errors.ts';
import { count, flag, or, text } from '../base/fields.ts';
import { isFinal } from '../job/words.ts';
import { jobLogView, logs, PARTS, type Part, type ScreenResult } from '../operations/logs.ts';
import type { Settings } from '../settings/config.ts';
import { foldDelivery } from '../view/delivery.ts';
import { timeline } from '../view/timeline.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { note, paint, print, printAnswer, printJson, terminalColumns } from './core/output.ts';
import { readingSettings } from './core/settings.ts';
import { jobWord, theJob } from './jobs/job-argument.ts';
import { type JobLog, readAuditFile, readJobLog } from './jobs/job-log.ts';
import { followLog, nextOf } from './jobs/log-follow.ts';
import { listLogs, logListText } from './jobs/log-list.ts';
import { footText, headText, TimelineText } from './jobs/timeline-text.ts';
import { withHub } from './jobs/with-hub.ts';

export default defineCommand({
  synopsis: 'ID | --list [--limit N] [OPTIONS]',
  about: [
    'Shows the audit log of a job: every event with its time and who made it, the delivery with its evidence, requests ' +
      'and who decided them, messages, checks, the result, and how long everything took. It reads the files, so it needs no ' +
      'hub, except for --follow and the live screen of an open job.',
    'A job that is no longer in its registry is read from its separate log folder (MAM_LOGS_DIR).',
  ],
  words: [jobWord],
  options: {
    ...theJob,
    list: flag('list the log folders of all jobs, newest first'),
    limit: or(count('with --list: maximum number of logs'), 50),
    follow: flag('continue until the job is final', { short: 'f' }),
    after: logs.fields.after,
    all: flag('show every stage of a delivery, with its evidence; otherwise they are one line'),
    include: or(text(`which of ${PARTS.join(', ')}, separated by commas`, { value: 'PARTS' }), 'events'),
  },
  json: {
    tool: 'job_logs',
    also:
      'Nothing is cut, and `more` is false. With --follow, each event is one line, printed as it comes, and the last line is the object ' +
      'without `events`. With --list: `logs`, with `job_id`, `status`, `reason`, `created_at`, `final_at`, `log_dir`.',
  },
  exits: {
    done: 'shown; with --follow: the job is final',
    running: 'with --follow: Ctrl-C, the job goes on',
  },
  examples: ['mam logs k3f9x2ab-fix-login-test', 'mam logs k3f9 --follow', 'mam logs --list'],

  async run({ options, words, registryDir, json }) {
    const settings = await readingSettings(registryDir);
    const { job_id, after, follow, include, all } = options;
    if (options.list && (job_id !== undefined || words.length > 0))
      throw new MamError('bad_input', '--list is for all jobs.', 'Leave out --list, or the id.');
    if (follow && include !== 'events')
      throw new MamError('bad_input', '--follow shows events only.', 'Leave out --include.');
    if (options.list) return list(settings, options.limit, json);
    const parts = partsOf(include);
    const log = readJobLog(settings, job_id, words[0]);
    for (const sentence of log.damage) note(sentence);
    if (follow) return followLog(settings, log, after, json);
    const isFolded = !json && !all;
    return show(log, parts, { after, isFolded, json }, settings.registryDir);
  },
});

/** @throws MamError `bad_input` for an unknown part */
function partsOf(given: string): Part[] {
  const parts = given.split(',').map((part) => part.trim());
  const unknown = parts.find((part) => !(PARTS as readonly string[]).includes(part));
  if (unknown === undefined) return parts as Part[];
  throw new MamError(
    'bad_input',
    'Unknown part of a log.',
    `Give --include one or more of ${PARTS.join(', ')}, separated by commas.`,
  );
}

async function list(settings: Settings, limit: number, json: boolean): Promise<number> {
  const { rows, total } = await listLogs(settings, limit);
  const { registryDir: registry_dir, logsDir = registry_dir } = settings;
  const view = {
    summary: `${rows.length} of ${total} log folders, newest first.`,
    logs: rows,
    total,
    registry_dir,
    next: rows[0] === undefined ? 'mam submit --help' : `mam logs ${rows[0].job_id}`,
  };
  const text = rows.length === 0 ? `No logs in ${logsDir}.` : logListText(rows);
  const more = rows.length < total ? `\n… ${total - rows.length} more; --limit ${total} shows all.` : '';
  return printAnswer(json, view, text + more);
}

async function show(
  log: JobLog,
  parts: Part[],
  { after, isFolded, json }: { after: number; isFolded: boolean; json: boolean },
  registryDir: string,
): Promise<number> {
  const { record } = log;
  const whole = timeline(log.events, record);
  const entries = (isFolded ? foldDelivery(whole, record) : whole).filter(({ seq }) => seq > after);
  const events = parts.includes('events') ? entries : [];
  const screen = parts.includes('screen') ? await screenOf(log, registryDir) : undefined;
  const output = parts.includes('validation') ? readAuditFile(log, 'validate.log') : undefined;
  if (json) {
    printJson({
      ...jobLogView(record, events.length),
      events,
      screen: screen?.screen.join('\n'),
      screen_live: screen?.live,
      screen_missing: screen?.missing,
      validation_output: output,
      ...(log.damage.length > 0 && { damage: log.damage }),
      cursor: record.seq,
      more: false,
      next: nextOf(record),
    });
    return EXIT.done;
  }
  if (parts.includes('events')) {
    print(headText(record));
    const text = new TimelineText(record, terminalColumns());
    for (const entry of events) print(text.entry(entry));
    print(`\n${footText(record, Date.now())}`);
  }
  if (screen !== undefined) {
    const title = screen.live ? 'The screen now' : 'The screen when it ended';
    print(`\n${paint('bold', title)}\n${screen.missing ?? screen.screen.join('\n')}`);
  }
  if (output !== undefined) {
    print(`\n${paint('bold', 'The output of the check')}\n${output === '' ? 'None.' : output}`);
  }
  return EXIT.done;
}

/** The live screen of an open job, or the one that was kept at its end. */
async function screenOf(log: JobLog, registryDir: string): Promise<ScreenResult> {
  const { record } = log;
  if (isFinal(record.status) || log.isCopy) {
    const text = readAuditFile(log, 'screen.txt');
    const missing = 'No picture of the pane was taken when the job ended.';
    return text === '' ? { screen: [], live: false, missing } : { screen: text.split('\n'), live: false };
  }
  return withHub(registryDir, ({ ask }) =>
    ask('screen', { job_id: record.job_id, registry_dir: dirname(log.paths.folder) }),
  );
}
