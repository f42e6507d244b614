import { clean } from '../../base/text.ts';
import type { ScreenResult } from '../../operations/logs.ts';

/**
 * A pane's screen as plain text, its lower end where not all finds room. Notes about it are in brackets above it.
 * @param rest says where the whole is
 * @param room characters at most
 */
export function screenText({ screen, live, missing }: ScreenResult, rest: string, room: number): string {
  if (missing !== undefined) return `[No screen: ${clean(missing)}]`;
  const ended = live ? [] : ['[As it was when the job ended.]'];
  const rows = clean(screen.join('\n')).trimEnd().split('\n');
  const whole = [...ended, ...rows].join('\n');
  if (whole.length <= room) return whole;
  const cut = `[The upper rows are left out. ${rest}]`;
  let left = room - [...ended, cut].join('\n').length;
  const from = rows.findLastIndex((row) => {
    left -= row.length + 1;
    return left < 0;
  });
  return [...ended, cut, ...rows.slice(from + 1)].join('\n');
}
