import { columnsOf, cut } from '../../base/columns.ts';
import { cleanLine } from '../../base/text.ts';
import { agentWords } from '../../job/agent-words.ts';
import type { JobRow } from '../../job/row.ts';
import { farOf } from '../../view/home.ts';
import { ageText, signOf, wordOf } from '../../view/marks.ts';
import { dayAndTime } from '../../view/times.ts';
import { isTerminal, terminalColumns } from '../core/output.ts';
import { type Cell, columnsBefore, tableText } from '../core/table.ts';
import { inStatusColour, stateCell } from './job-text.ts';
import { shortIds } from './short-ids.ts';

const AGENT_CHARS = 50;
const PROJECT_CHARS = 40;
/** The least room for a job's words, in columns: next to whole ids, and next to short ones. */
const GOOD_ROOM = 40;
const LEAST_ROOM = 20;
/** With so much room, the task has its own column, of at least this many columns. */
const AMPLE_ROOM = 100;
const TASK_COLUMNS = 30;

/**
 * The jobs of a list: on a terminal a table that fits its width, elsewhere a line for each job, with tabs between its
 * fields.
 * @param projects of a list of all projects: a column more, in a pipe the last one
 */
export function listText(rows: readonly JobRow[], projects?: Projects, now = Date.now()): string {
  if (isTerminal()) return screenText(rows, projects, now);
  return tableText(
    [],
    rows.map((row, at) => [
      ...fieldsOf(row),
      ...(projects === undefined ? [] : [projects.folders[at] ?? '']),
      ...(isFar(rows) ? [farOf(row) ?? ''] : []),
    ]),
  );
}

/** True if any of these jobs is on another machine, or came from one: only then is there a column for it. */
function isFar(rows: readonly JobRow[]): boolean {
  return rows.some((row) => farOf(row) !== undefined);
}

/** The project of each row, if a list has jobs of several. */
interface Projects {
  names: readonly string[];
  folders: readonly string[];
}

function fieldsOf(row: JobRow): (string | Cell)[] {
  const { job_id, created_at, prompt_preview } = row;
  const agent = agentWords(row);
  return [job_id, stateCell(row), agent, dayAndTime(created_at), prompt_preview, saidOf(row) ?? ''];
}

function screenText(rows: readonly JobRow[], projects: Projects | undefined, now: number): string {
  const ids = rows.map(({ job_id }) => job_id);
  const states = rows.map(stateOnScreen);
  const agents = rows.map((row) => cleanLine(agentWords(row), AGENT_CHARS));
  const ages = rows.map(({ created_at: at }) => ageText(now - Date.parse(at)));
  const names = projects?.names.map((name) => cleanLine(name, PROJECT_CHARS));
  const hosts = rows.map((row) => farOf(row) ?? '-');
  const others: Column[] = [
    ...(names === undefined ? [] : [{ title: 'PROJECT', cells: names }]),
    { title: 'STATUS', cells: states },
    ...(isFar(rows) ? [{ title: 'HOST', cells: hosts }] : []),
    { title: 'AGENT', cells: agents },
    { title: 'AGE', cells: ages },
  ];
  const whole = [{ title: 'JOB', cells: ids }, ...others];
  const short = [{ title: 'JOB', cells: shortIds(ids) }, ...others];
  const chosen =
    [
      { columns: whole, least: GOOD_ROOM },
      { columns: short, least: LEAST_ROOM },
    ].find(({ columns, least }) => roomAfter(columns) >= least)?.columns ??
    short.filter(({ title }) => title !== 'AGENT');
  const room = roomAfter(chosen);
  const ample = room >= AMPLE_ROOM;
  const said = rows.map((row) => cleanLine(saidOf(row) ?? (ample ? '' : row.prompt_preview), room));
  const left = Math.max(TASK_COLUMNS, room - columnsBefore([widest(said)]));
  const tasks = rows.map(({ prompt_preview: task }) => cut(cleanLine(task, room), left));
  const last = [...(ample ? [{ title: 'TASK', cells: tasks }] : []), { title: 'LATEST', cells: said }];
  const table: Column[] = [...chosen, ...last];
  return tableText(
    table.map(({ title }) => title),
    rows.map((_, at) => table.map(({ cells }) => cells[at] ?? '')),
  );
}

interface Column {
  title: string;
  cells: (string | Cell)[];
}

function roomAfter(columns: readonly Column[]): number {
  return terminalColumns() - columnsBefore(columns.map(({ title, cells }) => widest([title, ...cells])));
}

/** The columns that the widest of these cells takes. */
export function widest(cells: readonly (string | Cell)[]): number {
  return Math.max(...cells.map((cell) => columnsOf(typeof cell === 'string' ? cell : cell.text)));
}

/** What is asked, or the last words about a job. */
function saidOf({ open_request: asked, detail }: JobRow): string | undefined {
  return asked || detail || undefined;
}

/** A job's sign and its status in words, in its colour. */
export function stateOnScreen(row: Pick<JobRow, 'status' | 'reason' | 'needs_you'> & Partial<JobRow>): Cell {
  return { text: `${signOf(row)} ${wordOf(row)}`, shown: (text) => inStatusColour(row, text) };
}
