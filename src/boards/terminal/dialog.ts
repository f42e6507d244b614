import { isAboutCheck } from '../../job/check.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import { openRequest } from '../../view/job.ts';
import { shown, wrap } from './cells.ts';
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

/** What the job waits for that is allowed or denied: a permission, or its work without a check that could not run. */
export function openPermission(record: JobRecord): PeerRequest | undefined {
  const request = openRequest(record);
  return request !== undefined && (request.kind === 'permission' || isAboutCheck(request))
    ? request
    : undefined;
}

/** Everything that is known of a permission request, as it was asked. */
export function permissionText(request: PeerRequest): string {
  const { text, tool, input, input_file: file, decision } = request;
  const asked = shown(text);
  const parts = [asked];
  if (tool !== undefined && !asked.includes(shown(tool))) parts.push(`tool: ${shown(tool)}`);
  if (input !== undefined && !asked.includes(shown(input))) parts.push(shown(input));
  if (file !== undefined) parts.push(`This is its beginning; the whole is in ${shown(file)}`);
  if (decision !== undefined)
    parts.push(`${shown(decision)} was given to the agent, and not seen to count yet`);
  return parts.filter(Boolean).join('\n\n');
}
