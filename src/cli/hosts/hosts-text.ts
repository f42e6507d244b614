import { cleanLine } from '../../base/text.ts';
import { allowsText, type HostRow, viaText } from '../../operations/hosts.ts';
import { dayAndTime } from '../../view/times.ts';
import { isTerminal, paint, terminalColumns } from '../core/output.ts';
import { type Cell, tableText } from '../core/table.ts';

/** From this width on there is room for a title that says which jobs are counted, in columns. */
const AMPLE = 110;
const STYLES = { online: 'green', offline: 'yellow', unknown: 'dim' } as const;

/** The hosts as a table; below it on a terminal what is wrong with some. @param now ms since 1970 */
export function hostsText(rows: readonly HostRow[], now = Date.now()): string {
  const jobs = terminalColumns() >= AMPLE ? 'JOBS (from here)' : 'JOBS';
  const table = tableText(
    ['HOST', 'STATE', 'SINCE', 'VERSION', jobs, 'VIA', 'MAY WE / MAY IT'],
    rows.map((row) => cells(row, now)),
    { whole: true },
  );
  const problems = rows.flatMap(({ host, problem: why }) =>
    why === undefined ? [] : [`${host}: ${cleanLine(why, Number.POSITIVE_INFINITY)}`],
  );
  return [table, ...(isTerminal() ? problems : [])].join('\n');
}

function cells(row: HostRow, now: number): (string | Cell)[] {
  const { host, state, since, version = '-', jobs } = row;
  return [
    host,
    { text: state, shown: (text) => paint(STYLES[state], text) },
    state === 'unknown' || since === undefined ? '-' : sinceText(since, now),
    cleanLine(version, 20),
    String(jobs),
    viaText(row),
    `${allowsText(row.may_we, '?')} / ${allowsText(row.may_it, 'nothing')}`,
  ];
}

/** The time of day on a terminal if it is of today, else also the day. */
function sinceText(since: string, now: number): string {
  const [day, time = ''] = dayAndTime(since).split(' ');
  const isToday = dayAndTime(new Date(now).toISOString()).startsWith(day ?? '');
  return isTerminal() && isToday ? time : dayAndTime(since);
}
