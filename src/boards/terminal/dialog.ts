import { wrap } from '../../base/columns.ts';
import { openRequest } from '../../job/open-request.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import { requestText, type Way, wayOf } from '../model/request.ts';
import { shown } from './cells.ts';
import { type Confirm, layoutFor, type State } from './state.ts';

/** The lines of a dialog besides its text: a title and a blank line above, a blank line below. */
const FRAME = 3;

/** The text of a dialog in lines, and how many of them fit on the screen. */
export function dialogLines(state: State, { text }: Confirm): { lines: string[]; room: number } {
  const { width, body } = layoutFor(state);
  return { lines: wrap(text, width - 2), room: Math.max(1, body - FRAME) };
}

/** How many lines of a dialog are below the screen: nothing can be confirmed unread. */
export function linesBelow(state: State, mode: Confirm): number {
  const { lines, room } = dialogLines(state, mode);
  return Math.max(0, lines.length - mode.top - room);
}

/** The job's open request, if it is to be allowed or denied from here. */
export function openPermission(record: JobRecord): PeerRequest | undefined {
  const request = openRequest(record);
  return request && wayOf(request) === 'decision' ? request : undefined;
}

/** How the job's open request is answered; undefined for an ended job, and for one that asks nothing. */
export function openWay(record: JobRecord): Way | undefined {
  const request = record.final_at === undefined ? openRequest(record) : undefined;
  return request && wayOf(request);
}

/** A request as it was asked, and the decision that was given to the agent, if no effect has been seen yet. */
export function permissionText(request: PeerRequest): string {
  const { decision } = request;
  const given = decision && `\n\n${decision} was given to the agent; no effect seen yet`;
  return shown(`${requestText(request)}${given ?? ''}`);
}
