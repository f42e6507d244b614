import { wrap } from '../../base/columns.ts';
import { openRequest } from '../../job/open-request.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import { isDecided, requestText } from '../model/request.ts';
import { shown } from './cells.ts';
import { type Confirm, layoutFor, type State } from './state.ts';

/** The lines of a dialog besides its text: a title and a blank line above, a blank line and the keys below. */
const FRAME = 4;

/** The text of a dialog in lines, and how many of them fit on the screen. */
export function dialogLines(state: State, { text }: Confirm): { lines: string[]; room: number } {
  const { width, body } = layoutFor(state);
  return { lines: wrap(text, width - 2), room: Math.max(1, body - FRAME) };
}

/** True if the last line of a dialog is on the screen: nothing can be confirmed unread. */
export function isRead(state: State, mode: Confirm): boolean {
  const { lines, room } = dialogLines(state, mode);
  return mode.top + room >= lines.length;
}

/** The job's open request, if it is to be allowed or denied. */
export function openPermission(record: JobRecord): PeerRequest | undefined {
  const request = openRequest(record);
  return request && isDecided(request) ? request : undefined;
}

/** A request as it was asked, and the decision that was given to the agent, if no effect has been seen yet. */
export function permissionText(request: PeerRequest): string {
  const { decision } = request;
  const given = decision && `\n\n${decision} was given to the agent; no effect seen yet`;
  return shown(`${requestText(request)}${given ?? ''}`);
}
