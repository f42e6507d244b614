import { clean, cleanLine } from '../base/text.ts';
import { isUndecided } from '../job/check.ts';
import { type DataFields, dataOf, type RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import { DELIVERY_STAGES } from '../job/words.ts';
import { evidenceWords } from './event-words.ts';
import type { TimelineEntry } from './shapes.ts';

/** How much of a request is shown next to its decision, in characters. */
const ABOUT_CHARS = 200;

/** Turns events into entries of the audit log, batch by batch: the meaning of an event depends on earlier ones. */
export class Timeline {
  /** The words of requests, by their id. */
  readonly #abouts = new Map<string, string>();
  /** When the last delivery stage was reached, in ms since 1970. */
  #stageAt: number | undefined;
  /** How many checks have run; unknown if the journal's beginning was not seen. */
  #rounds: number | undefined;
  #hasBegun = false;

  /** @param events in the journal's order, from any seq on @param record the job after them, or later */
  addEvents(events: readonly RecordedEvent[], record: JobRecord): TimelineEntry[] {
    const [first] = events;
    if (first !== undefined && !this.#hasBegun) {
      this.#hasBegun = true;
      if (first.seq === 1) this.#rounds = 0;
      else this.#stageAt = stageBefore(record, first.recorded_at);
    }
    for (const { request_id: id, text } of record.requests)
      if (!this.#abouts.has(id)) this.#abouts.set(id, text);
    return events.map((event) => this.#next(event, record));
  }

  #next(event: RecordedEvent, record: JobRecord): TimelineEntry {
    const entry = entryOf(event, record);
    if (isStage(event, record)) {
      const at = Date.parse(event.recorded_at);
      if (this.#stageAt !== undefined) entry.stage_ms = at - this.#stageAt;
      this.#stageAt = at;
    }
    const asksAboutCheck = event.type === 'validated' && isUndecided(entry) && event.late !== true;
    if (event.type === 'question' || event.type === 'permission_required' || asksAboutCheck) {
      entry.request_id = event.event_id;
      this.#abouts.set(event.event_id, event.detail ?? '');
    } else if (entry.request_id !== undefined) {
      const about = this.#abouts.get(entry.request_id);
      if (about) entry.about = cleanLine(about, ABOUT_CHARS);
    }
    const counts = !isUndecided(entry) && (entry.script_changed !== true || entry.passed === true);
    if (event.type === 'validated' && counts && this.#rounds !== undefined) entry.round = ++this.#rounds;
    return entry;
  }
}

export function timeline(events: readonly RecordedEvent[], record: JobRecord): TimelineEntry[] {
  return new Timeline().addEvents(events, record);
}

/** Events whose words are made from what they carry. */
const NAMED: readonly string[] = ['usage', 'conversation'];

function entryOf(event: RecordedEvent, record: JobRecord): TimelineEntry {
  const data = dataOf(event);
  const text = (value: string | undefined): string | undefined => (value ? clean(value) : undefined);
  const entry: TimelineEntry = {
    seq: event.seq,
    type: cleanLine(event.type, ABOUT_CHARS),
    source: event.source,
    by:
      event.source === 'supervisor'
        ? `supervisor ${cleanLine(record.supervisor.client, 60)}`
        : reporterOf(event.source, record.agent),
    writer: event.writer === undefined ? undefined : cleanLine(event.writer, ABOUT_CHARS),
    recorded_at: event.recorded_at,
    late: event.late,
    evidence: text(NAMED.includes(event.type) ? evidenceWords(event) : data.evidence),
    detail: event.detail === undefined ? undefined : clean(event.detail),
    detail_file: fileOf(event, record, 'detail'),
    result: event.result === undefined ? undefined : clean(event.result),
    result_file: fileOf(event, record, 'result'),
    files: event.files?.map(clean),
    request_id: text(data.request_id),
    tool: text(data.tool),
    input: text(data.input),
    decision: text(data.decision),
    blocked_by: text(data.by),
    what: text(data.what),
    pane: event.type === 'queued' ? paneOf(data) : undefined,
    script: event.type.startsWith('valid') ? record.validation?.script : text(data.script),
    // A check that was cut off has not judged the work.
    passed: isUndecided(data) ? undefined : data.passed,
    outcome: text(data.outcome),
    exit_code: data.exit_code,
    output_tail: text(data.output_tail),
    script_changed: data.script_changed,
  };
  for (const [name, value] of Object.entries(entry)) {
    if (value === undefined) delete entry[name as keyof TimelineEntry];
  }
  return entry;
}

/** Who reported an event of a job for this agent, such as `hook claude-code`. */
function reporterOf(source: string, agent: string): string {
  // Only the person reports on a job for a person.
  if (source === 'peer' && agent === 'human') return 'person';
  return source === 'peer' || source === 'hook' ? `${source} ${agent}` : source;
}

/** The file with the whole text, if the event has only its beginning. */
function fileOf({ texts }: RecordedEvent, { registry_dir, job_id }: JobRecord, field: string) {
  const hash = texts?.[field];
  // A peer could name any file.
  if (hash === undefined || !/^[0-9a-f]{64}$/.test(hash)) return undefined;
  return `${registry_dir}/${job_id}/texts/${hash}`;
}

function paneOf({ job, agent_session }: Partial<DataFields>): string | undefined {
  const session = job === undefined ? agent_session : job.agent_session;
  return session === undefined ? undefined : `tmux:${clean(session.session)} ${session.pane}`;
}

/** True for a stage of the delivery: only the first `started` is one. */
function isStage(event: RecordedEvent, { delivery }: JobRecord): boolean {
  const { type, recorded_at } = event;
  if (dataOf(event).what !== undefined || !(DELIVERY_STAGES as readonly string[]).includes(type))
    return false;
  return type !== 'started' || delivery.some(({ stage, at }) => stage === type && at === recorded_at);
}

/** When the last stage before `time` was reached, in ms since 1970. */
function stageBefore({ delivery }: JobRecord, time: string): number | undefined {
  const at = delivery.findLast((entry) => entry.at < time)?.at;
  return at === undefined ? undefined : Date.parse(at);
}
