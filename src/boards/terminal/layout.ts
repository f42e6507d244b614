/** A terminal's size in cells. */
export interface Size {
  columns: number;
  rows: number;
}

/** How the cells are divided. Heights in rows, widths in columns; 0 for a part that is not shown. */
export interface Layout {
  width: number;
  /** Between the first line and the last. */
  body: number;
  /** The list is to the left of the selected job, not above it. */
  isWide: boolean;
  list: { width: number; height: number };
  /** The selected job, with the line of its name. */
  detail: { width: number; height: number };
  /** Its prompt, its events and what it asks for. */
  text: { width: number; height: number };
  screen: { width: number; height: number };
  /** The screen is to the right of the text, not below it. */
  beside: boolean;
}

/** The widths of a list row's parts, in columns. */
export interface Columns {
  status: number;
  id: number;
  agent: number;
  /** 0 unless a job is on another machine. */
  host: number;
  age: number;
  words: number;
}

/** Rows taken by the two outer lines, and by the line with the selected job's name. */
const OUTER = 2;
const RULE = 1;
/** Below this there is no room for the detail. */
const LEAST_BODY = 6;
const LEAST_LIST = 3;
const LIST_SHARE = 0.4;
/** The width from which the list gets its own side: a pane of the usual 80 columns fits next to it. */
const WIDE_FROM = 150;
const MOST_LIST_WIDTH = 90;
const TEXT_SHARE = 0.42;
const BESIDE_FROM = 100;
const GAP = 2;
const NONE = { width: 0, height: 0 };

/**
 * Divides a terminal into its parts.
 * @param jobs how many rows the list could fill @param hasScreen false if the selected job has no pane
 * @param note how many rows the note above the keys takes
 */
export function layoutOf(
  { columns, rows }: Size,
  jobs = Number.POSITIVE_INFINITY,
  hasScreen = true,
  note = 0,
): Layout {
  const width = Math.max(1, columns);
  const body = Math.max(1, rows - OUTER - note);
  const shared = { width, body, isWide: false, beside: false };
  if (body < LEAST_BODY)
    return { ...shared, list: { width, height: body }, detail: NONE, text: NONE, screen: NONE };
  if (width >= WIDE_FROM) {
    const list = { width: Math.min(MOST_LIST_WIDTH, Math.floor(width * LIST_SHARE)), height: body };
    const detail = { width: width - list.width - GAP, height: body };
    return { ...shared, isWide: true, list, detail, ...stacked(detail, hasScreen) };
  }
  const most = Math.floor(body * LIST_SHARE);
  const list = { width, height: Math.max(LEAST_LIST, Math.min(most, jobs)) };
  const detail = { width, height: body - list.height };
  if (width < BESIDE_FROM || !hasScreen) return { ...shared, list, detail, ...stacked(detail, hasScreen) };
  const height = detail.height - RULE;
  const text = { width: Math.floor(width * TEXT_SHARE), height };
  const screen = { width: width - text.width - GAP, height };
  return { ...shared, list, detail, text, screen, beside: true };
}

/** The text above the screen, if there is one. */
function stacked({ width, height }: Layout['detail'], hasScreen: boolean): Pick<Layout, 'text' | 'screen'> {
  const rows = height - RULE;
  const text = { width, height: hasScreen ? Math.max(1, Math.ceil(rows / 2)) : rows };
  return { text, screen: { width, height: rows - text.height } };
}

/**
 * Each includes the blank after it; the mark and the sign before them take four columns. The id gives way first.
 * @param isFar a job is on another machine
 */
export function columnsOf(width: number, isFar = false): Columns {
  const room = width - 4;
  // `host offline` is the longest of the usual words.
  const status = width >= 110 ? 20 : width >= 60 ? (isFar ? 13 : 12) : 0;
  const agent = width >= 76 ? 12 : 0;
  const host = isFar && width >= 76 ? (width >= 110 ? 14 : 10) : 0;
  const id = width >= 110 ? 34 : width >= 60 ? 18 : Math.min(room, Math.max(9, Math.floor(room * 0.55)));
  const age = Math.max(0, Math.min(5, room - id));
  return { status, id, agent, host, age, words: Math.max(0, room - status - agent - host - id - age) };
}
