import { wrap } from '../../base/columns.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import { openRequest } from '../../view/job.ts';
import { isDecided, requestText } from '../model/request.ts';
import { shown } from './cells.ts';
import { layoutOf } from './layout.ts';
import type { Confirm, State } from './state.ts';

/** The lines of a dialog that are not its text: title, what the keys do, and a blank after the one and before the other. */
const FRAME = 4;

/** The text of a dialog in lines, and how many of them are on the screen at once. */
export function dialogLines(state: State, { text }: Confirm): { lines: string[]; room: number } {
  const { width, body } = layoutOf(state.size);
  return { lines: wrap(text, width - 2), room: Math.max(1, body - FRAME) };
}

/** True once the last line of a dialog is, or was, on the screen: what was not read is not confirmed. */
export function isRead(state: State, mode: Confirm): boolean {
  const { lines, room } = dialogLines(state, mode);
  return mode.top + room >= lines.length;
}

/** What the job waits for that is allowed or denied. */
export function openPermission(record: JobRecord): PeerRequest | undefined {
  const request = openRequest(record);
  return request && isDecided(request) ? request : undefined;
}

/** A request as it was asked, and the decision that was given to the agent and not seen to count yet. */
export function permissionText(request: PeerRequest): string {
  const { decision } = request;
  const given = decision && `\n\n${decision} was given to the agent, and not seen to count yet`;
  return shown(`${requestText(request)}${given ?? ''}`);
}
