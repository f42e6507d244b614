import { clean } from '../base/text.ts';
import type { Finding, Level } from './finding.ts';

const INDENT = ' '.repeat(11);

/** How a level and a detail look. */
export interface Looks {
  level: (level: Level, text: string) => string;
  detail: (text: string) => string;
}

/** A finding as lines: what it is, details, what to do. @param whole includes the details of one that is ok */
export function findingLines(
  { level, title, detail, remedy }: Omit<Finding, 'area'>,
  looks: Looks,
  whole: boolean,
): string[] {
  const shown = detail !== undefined && (whole || level !== 'ok' || detail.includes('\n'));
  return [
    `  ${looks.level(level, level.padEnd(7))}  ${clean(title)}`,
    ...(shown ? clean(detail).split('\n') : []).map((line) => INDENT + looks.detail(line)),
    ...(remedy === undefined ? [] : clean(remedy).split('\n')).map(
      (line, index) => `${INDENT}${index === 0 ? '→ ' : '  '}${line}`,
    ),
  ];
}
