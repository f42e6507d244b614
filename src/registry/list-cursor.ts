import { MamError } from '../base/errors.ts';
import { isJobId } from '../base/ids.ts';
import { RANKS, type Rank } from '../job/rank.ts';
import type { JobRow } from '../job/row.ts';

/** Where a page of a list ended. */
export interface ListPlace {
  rank: Rank;
  /** When the list began, in ms since 1970. */
  begun: number;
  /** The last job of the page. Its time (ISO 8601) says where it was, even if it has been removed since: its creation, or since when it waits. */
  last: Pick<JobRow, 'created_at' | 'job_id'>;
}

const CURSOR = /^([0-2])\.([0-9a-z]{1,10})\.([0-9a-z]{1,10})\.([a-z0-9-]+)$/;

export function listCursor({ rank, begun, last }: ListPlace): string {
  const created = Date.parse(last.created_at) || 0;
  return [RANKS.indexOf(rank), begun.toString(36), created.toString(36), last.job_id].join('.');
}

/** @throws MamError `bad_input` for a cursor that is not ours */
export function parseListCursor(cursor: string): ListPlace {
  const [, rank = '', begun = '', created = '', job_id = ''] = CURSOR.exec(cursor) ?? [];
  const found = RANKS[Number(rank || -1)];
  const at = new Date(Number.parseInt(created, 36));
  if (found === undefined || !isJobId(job_id) || Number.isNaN(at.getTime()))
    throw new MamError('bad_input', 'The cursor is unknown.', 'Leave it out to begin with the first page.');
  return { rank: found, begun: Number.parseInt(begun, 36), last: { created_at: at.toISOString(), job_id } };
}
