import { dirname } from 'node:path';
import { isSettled } from '../../job/apply.ts';
import type { RecordedEvent } from '../../job/event.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import { openLink } from '../../link/client.ts';
import { checkHub } from '../../link/ensure-hub.ts';
import { followJob } from '../../link/follow-job.ts';
import { jobLogView } from '../../operations/logs.ts';
import { wholeEvent } from '../../registry/texts.ts';
import type { Settings } from '../../settings/config.ts';
import { nextStep } from '../../view/next-step.ts';
import { Timeline } from '../../view/timeline.ts';
import { EXIT } from '../core/exit.ts';
import { note, onReaderGone, print, printJson, terminalColumns } from '../core/output.ts';
import type { JobLog } from './job-log.ts';
import { footText, headText, TimelineText } from './timeline-text.ts';

/**
 * Prints what there is of a log, then what comes, until the job is final.
 * @param after only events after this seq
 * @returns the exit code
 */
export async function followLog(
  settings: Settings,
  log: JobLog,
  after: number,
  json: boolean,
): Promise<number> {
  const text = new TimelineText(log.record, terminalColumns());
  const entries = new Timeline();
  let shown = 0;
  const take = (news: readonly RecordedEvent[], record: JobRecord): void => {
    for (const entry of entries.take(news, record)) {
      if (entry.seq <= after) continue;
      shown++;
      if (json) printJson({ job_id: record.job_id, ...entry });
      else print(text.entry(entry));
    }
  };
  if (!json) print(headText(log.record));
  take(log.events, log.record);
  let last: JobRecord | undefined = log.record;
  if (!isSettled(last)) {
    checkHub(settings);
    const link = openLink(settings);
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    onReaderGone(() => stop.abort());
    try {
      last = await followJob({
        link,
        host: settings.host,
        registryDir: dirname(log.paths.folder),
        jobId: log.record.job_id,
        after: log.record.seq,
        signal: stop.signal,
        onEvents: (events, record) =>
          take(
            events.map((event) => wholeEvent(event, log.paths.texts)),
            record,
          ),
      });
    } finally {
      await link.close();
    }
  }
  const record = last ?? log.record;
  const ended = isFinal(record.status);
  if (json) {
    printJson({ ...jobLogView(record, shown), cursor: record.seq, more: false, next: nextOf(record) });
  } else {
    print(`\n${footText(record, Date.now())}`);
  }
  if (!ended) note('stopped following; the job goes on.');
  return ended ? EXIT.done : EXIT.running;
}

/** What to do after a look at a log. */
export function nextOf(record: JobRecord): string {
  return record.final_at === undefined ? nextStep(record) : `mam status ${record.job_id}`;
}
