import { cut } from '../../base/columns.ts';
import { clean, cleanLine } from '../../base/text.ts';
import type { JobRecord } from '../../job/record.ts';
import { terminalColumns } from '../core/output.ts';
import { inOneLook } from '../core/table.ts';

const LINES = 10;

/**
 * The last lines of what a check that did not pass has printed, and where all of it is, to be shown under its verdict; on a
 * terminal each is cut to its width.
 * @param tail the end of the output, if the check is not the job's last one
 * @returns nothing for a check that passed, or that printed nothing
 */
export function checkOutput(
  { validation, log_dir }: Pick<JobRecord, 'validation' | 'log_dir'>,
  indent: number,
  tail = validation?.passed === true ? undefined : validation?.output_tail,
): string[] {
  const text = clean(tail ?? '').trimEnd();
  if (text === '') return [];
  const room = terminalColumns() - indent;
  const lines = text.split('\n').slice(-LINES);
  const shown = lines.map((line) => cut(inOneLook(line.replaceAll('\t', '  ').trimEnd()), room));
  const file = `whole output: ${cleanLine(log_dir, Number.POSITIVE_INFINITY)}/validate.log`;
  return [...shown, file].map((line) => ' '.repeat(indent) + line);
}
