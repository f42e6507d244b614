import { basename } from 'node:path';
import { sha256 } from '../../base/sha256.ts';
import { clean, cleanLine, sliceUnits } from '../../base/text.ts';
import { draftEvent } from '../../job/event.ts';
import type { PeerRequest } from '../../job/record.ts';
import { readForeign } from '../../trust/files.ts';
import type { Call } from './same-call.ts';

const TOOL_CHARS = 200;
/** A longer input is shown by its beginning and its end; the whole is in a file. */
const INPUT_CHARS = 1_000;
const HEAD_CHARS = 600;
const TAIL_CHARS = 350;

/** The event that opens a permission request. @param remedy what a person must do in the pane, if nothing else helps */
export function permissionDraft(
  jobId: string,
  source: 'hook' | 'hub',
  { tool = 'something', input = '' }: Call,
  remedy?: string,
) {
  const way = remedy === undefined ? '' : ` (a person must ${remedy}: mam attach ${jobId})`;
  const whole = clean(input).trim();
  return draftEvent(jobId, 'permission_required', {
    source,
    detail: `${cleanLine(`${tool}: ${whole}`, INPUT_CHARS)}${way}`,
    data: { tool: toolWords(tool), input: bothEnds(whole), length: whole.length },
    // Nobody should allow what they were not shown: a long input is kept in full next to the journal.
    ...(whole.length > INPUT_CHARS && { result: whole }),
  });
}

/** A tool's name as a record keeps it. */
export function toolWords(tool: string): string {
  return cleanLine(tool, TOOL_CHARS);
}

/** True when a request was opened with the same words. */
export function asksTheSame(request: PeerRequest, { tool = '', input = '' }: Call): boolean {
  return request.tool === toolWords(tool) && wholeOf(request).input === clean(input).trim();
}

/** What a request asks for, with its full input, if that still exists. */
export function wholeOf({ tool, input, input_file: file }: PeerRequest): Call {
  if (file === undefined) return { tool, input };
  try {
    const whole = readForeign(file);
    // The file is named by its hash.
    return sha256(whole) === basename(file) ? { tool, input: whole } : { tool };
  } catch {
    return { tool };
  }
}

/** A long input without its middle: the end of a command may be what matters. */
function bothEnds(input: string): string {
  if (input.length <= INPUT_CHARS) return input;
  const left = input.length - HEAD_CHARS - TAIL_CHARS;
  const tail = input.slice(-TAIL_CHARS).replace(/^[\udc00-\udfff]/, '');
  return `${sliceUnits(input, 0, HEAD_CHARS)} [${left} characters left out] ${tail}`;
}
