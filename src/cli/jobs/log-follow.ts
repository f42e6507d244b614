import { dirname } from 'node:path';
import { isSettled } from '../../job/apply.ts';
import type { RecordedEvent } from '../../job/event.ts';
import { isLost, isOver } from '../../job/home-state.ts';
import type { JobRecord } from '../../job/record.ts';
import { followJob } from '../../link/follow-job.ts';
import { jobLogView } from '../../operations/logs.ts';
import { wholeEvent } from '../../registry/texts.ts';
import type { Settings } from '../../settings/config.ts';
import { nextStep } from '../../view/next-step.ts';
import { Timeline } from '../../view/timeline.ts';
import { EXIT } from '../core/exit.ts';
import { note, onReaderGone, print, printAnswer, printJson, terminalColumns } from '../core/output.ts';
import type { JobLog } from './job-log.ts';
import { footText, headText, TimelineText } from './timeline-text.ts';
import { withLink } from './with-hub.ts';

/** Prints the log after a seq, then new events as they come, until the job is final. @returns the exit code */
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
    for (const entry of entries.addEvents(news, record)) {
      if (entry.seq <= after) continue;
      shown++;
      if (json) printJson({ job_id: record.job_id, ...entry });
      else print(text.entry(entry));
    }
  };
  let { record } = log;
  if (!json) print(headText(record));
  take(log.events, record);
  if (!isSettled(record) && !isLost(record)) {
    const last = await withLink(settings, (link) => {
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      onReaderGone(() => stop.abort());
      return followJob({
        link,
        host: settings.host,
        registryDir: dirname(log.paths.folder),
        jobId: record.job_id,
        after: record.seq,
        signal: stop.signal,
        onEvents: (events, now) => {
          const whole = events.map((event) => wholeEvent(event, log.paths.texts, now.home?.host));
          take(whole, now);
        },
      });
    });
    record = last ?? record;
  }
  const ended = isOver(record);
  const view = { ...jobLogView(record, shown), cursor: record.seq, more: false, next: nextOf(record) };
  printAnswer(json, view, `\n${footText(record, Date.now())}`);
  if (!ended) note('stopped following; the job goes on.');
  return ended ? EXIT.done : EXIT.running;
}

export function nextOf(record: JobRecord): string {
  return record.final_at === undefined ? nextStep(record) : `mam status ${record.job_id}`;
}
