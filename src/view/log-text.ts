import { cleanLine, sliceUnits } from '../base/text.ts';
import { verdictWords } from '../job/check.ts';
import type { JobRecord } from '../job/record.ts';
import type { TimelineEntry } from './shapes.ts';
import { statusSummary } from './summary.ts';

/** How much of one text of an event is shown, in characters: the end of a job must not push all else out. */
const TEXT_CHARS = 1_500;
const NAME_CHARS = 60;

/**
 * A job's audit log as plain text, a line or more for each entry, the newest that find room.
 * @param entries in the order of the journal
 * @param rest says where those are that are left out
 * @param room characters at most
 */
export function logText(
  entries: readonly TimelineEntry[],
  record: JobRecord,
  rest: string,
  room: number,
): string {
  const head = `${statusSummary(record)} Log: ${cleanLine(record.log_dir, TEXT_CHARS)}`;
  const cut = (count: number): string =>
    `[${count} earlier ${count === 1 ? 'event is' : 'events are'} left out. ${rest}]`;
  const blocks = entries.map(blockOf);
  let left = room - head.length - cut(record.seq).length - 2;
  const from =
    blocks.findLastIndex((block) => {
      left -= block.length + 1;
      return left < 0;
    }) + 1;
  const before = (entries[from]?.seq ?? record.seq + 1) - 1;
  return [head, ...(before > 0 ? [cut(before)] : []), ...blocks.slice(from)].join('\n');
}

function blockOf(entry: TimelineEntry): string {
  const start = [entry.recorded_at, `#${entry.seq}`, cleanLine(entry.by, NAME_CHARS), entry.type];
  const first = [...start, ...signs(entry)].join('  ');
  return [first, ...texts(entry).map(indented)].join('\n');
}

/** What an entry says in few words. */
function signs(entry: TimelineEntry): string[] {
  const { late, stage_ms: ms, blocked_by, decision, tool, script, pane } = entry;
  const words: [string, string | undefined][] = [
    ['', late === true ? '(late)' : undefined],
    ['', entry.what === undefined ? undefined : `(${entry.what})`],
    ['', ms === undefined ? undefined : `+${ms} ms`],
    ['blocked by ', blocked_by],
    ['decision ', decision],
    ['tool ', tool],
    ['', verdictWords({ ...entry })],
    ['script ', script],
    ['script was changed', entry.script_changed === true ? '' : undefined],
    ['pane ', pane],
  ];
  return words.flatMap(([name, word]) =>
    word === undefined ? [] : [cleanLine(`${name}${word}`, TEXT_CHARS)],
  );
}

/** The longer texts of an entry, each with its name. */
function texts(entry: TimelineEntry): string[] {
  const { detail, about, evidence, input, result, files, output_tail } = entry;
  const named: [string, string | undefined, string | undefined][] = [
    ['', detail, entry.detail_file],
    ['about: ', about, undefined],
    ['evidence: ', evidence, undefined],
    ['input: ', input, undefined],
    ['result: ', result, entry.result_file],
    ['output: ', output_tail?.trimEnd(), undefined],
    ['files: ', files?.join(', '), undefined],
  ];
  return named.flatMap(([name, text, file]) =>
    text === undefined || text === '' ? [] : [`${name}${beginning(text, file)}`],
  );
}

function beginning(text: string, file: string | undefined): string {
  if (text.length <= TEXT_CHARS && file === undefined) return text;
  const shown = sliceUnits(text, 0, TEXT_CHARS);
  return file === undefined ? `${shown}…` : `${shown}… (whole in ${file})`;
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
