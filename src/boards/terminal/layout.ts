/** A terminal's size in cells. */
export interface Size {
  columns: number;
  rows: number;
}

/** How the cells are divided. Heights in rows, widths in columns; 0 for a part that is not shown. */
interface Layout {
  width: number;
  /** Between the first line and the last. */
  body: number;
  list: number;
  /** Below the list and the line with the selected job's name. */
  detail: number;
  timeline: { width: number; height: number };
  screen: { width: number; height: number };
  /** The screen is to the right of the timeline, not below it. */
  beside: boolean;
}

/** The widths of a list row's parts, in columns. */
export interface Columns {
  status: number;
  id: number;
  agent: number;
  age: number;
  words: number;
}

/** Rows taken by the two outer lines, and by the line between list and detail. */
const OUTER = 2;
const RULE = 1;
/** Below this there is no room for the detail. */
const LEAST_BODY = 6;
const LEAST_LIST = 3;
const LIST_SHARE = 0.4;
const TIMELINE_SHARE = 0.42;
const BESIDE_FROM = 100;
/** The minimum of rows for one below the other, each with a title line. */
const BOTH_FROM = 8;
const GAP = 2;

/** Divides a terminal into its parts. */
export function layoutOf({ columns, rows }: Size): Layout {
  const width = Math.max(1, columns);
  const body = Math.max(1, rows - OUTER);
  const none = { width: 0, height: 0 };
  if (body < LEAST_BODY) {
    return { width, body, list: body, detail: 0, timeline: none, screen: none, beside: false };
  }
  const list = Math.max(LEAST_LIST, Math.floor(body * LIST_SHARE));
  const detail = body - list - RULE;
  const shared = { width, body, list, detail };
  if (width >= BESIDE_FROM) {
    const left = Math.floor(width * TIMELINE_SHARE);
    const screen = { width: width - left - GAP, height: detail };
    return { ...shared, timeline: { width: left, height: detail }, screen, beside: true };
  }
  const share = detail < BOTH_FROM ? 0.5 : TIMELINE_SHARE;
  const lines = Math.max(1, Math.floor(detail * share));
  const screen = { width, height: detail - lines };
  return { ...shared, timeline: { width, height: lines }, screen, beside: false };
}

/** Each includes the blank after it; the mark and the sign before them take four columns. */
export function columnsOf(width: number): Columns {
  const room = width - 4;
  const status = width >= 110 ? 20 : width >= 60 ? 12 : 0;
  const agent = width >= 60 ? 12 : 0;
  const id = width >= 110 ? 34 : width >= 60 ? 22 : Math.min(room, Math.max(9, Math.floor(room * 0.55)));
  const age = Math.max(0, Math.min(5, room - id));
  return { status, id, agent, age, words: Math.max(0, room - status - agent - id - age) };
}
