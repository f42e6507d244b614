import { cleanLine, sliceUnits } from '../base/text.ts';
import { verdictWords } from '../job/check.ts';
import type { JobRecord } from '../job/record.ts';
import type { TimelineEntry } from './shapes.ts';
import { statusSummary } from './summary.ts';

/** Limit of one text, in characters: a long result must not push out everything else. */
const TEXT_CHARS = 1_500;
const NAME_CHARS = 60;

/** A job's log as text: the newest entries that fit. @param rest says where the others are @param room in characters */
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
  return [first, ...texts(entry).flatMap((text) => text.split('\n').map((line) => `    ${line}`))].join('\n');
}

function signs(entry: TimelineEntry): string[] {
  const { late, what, stage_ms: ms, blocked_by, decision, tool, script, pane } = entry;
  const words = [
    late && '(late)',
    what && `(${what})`,
    ms !== undefined && `+${ms} ms`,
    blocked_by && `blocked by ${blocked_by}`,
    decision && `decision ${decision}`,
    tool && `tool ${tool}`,
    verdictWords({ ...entry }),
    script && `script ${script}`,
    entry.script_changed && 'script was changed',
    pane && `pane ${pane}`,
  ];
  return words.flatMap((word) => (word ? [cleanLine(word, TEXT_CHARS)] : []));
}

function texts(entry: TimelineEntry): string[] {
  const { detail, about, evidence, input, result, files, output_tail } = entry;
  const named: [name: string, text: string | undefined, file?: string | undefined][] = [
    ['', detail, entry.detail_file],
    ['about: ', about],
    ['evidence: ', evidence],
    ['input: ', input],
    ['result: ', result, entry.result_file],
    ['output: ', output_tail?.trimEnd()],
    ['files: ', files?.join(', ')],
  ];
  return named.flatMap(([name, text, file]) => (text ? [`${name}${beginning(text, file)}`] : []));
}

function beginning(text: string, file: string | undefined): string {
  if (text.length <= TEXT_CHARS && file === undefined) return text;
  const shown = sliceUnits(text, 0, TEXT_CHARS);
  return file === undefined ? `${shown}…` : `${shown}… (whole in ${file})`;
}
