import { basename } from 'node:path';
import { sha256 } from '../../base/sha256.ts';
import { clean, cleanLine, sliceUnits } from '../../base/text.ts';
import { draftEvent } from '../../job/event.ts';
import type { PeerRequest } from '../../job/record.ts';
import { readForeign } from '../../trust/files.ts';

const TOOL_CHARS = 200;
/** Of a longer input the beginning and the end are shown; the whole lies in a file. */
const INPUT_CHARS = 1_000;
const HEAD_CHARS = 600;
const TAIL_CHARS = 350;

/** What an agent asks to be allowed, as a hook or its screen tells it. */
export interface Asked {
  tool?: string | undefined;
  input?: string | undefined;
}

/**
 * The event that opens a permission request.
 * @param remedy what a person has to do in the pane, where only that helps
 */
export function permissionDraft(
  jobId: string,
  source: 'hook' | 'hub',
  { tool = 'something', input = '' }: Asked,
  remedy?: string,
) {
  const way = remedy === undefined ? '' : ` (a person must ${remedy}: mam attach ${jobId})`;
  const whole = clean(input).trim();
  return draftEvent(jobId, 'permission_required', {
    source,
    detail: `${cleanLine(`${tool}: ${whole}`, INPUT_CHARS)}${way}`,
    data: { tool: toolWords(tool), input: bothEnds(whole), length: whole.length },
    // Nobody is to allow what they were not shown: a long one is kept whole next to the journal.
    ...(whole.length > INPUT_CHARS && { result: whole }),
  });
}

/** A tool's name as a record has it. */
export function toolWords(tool: string): string {
  return cleanLine(tool, TOOL_CHARS);
}

/** True when a request was opened by the very same words. */
export function asksTheSame(request: PeerRequest, { tool = '', input = '' }: Asked): boolean {
  return request.tool === toolWords(tool) && wholeOf(request).input === clean(input).trim();
}

/** What a request asks for, with all of its input; without an input where that is nowhere whole any more. */
export function wholeOf({ tool, input, input_file: file }: PeerRequest): Asked {
  if (file === undefined) return { tool, input };
  try {
    const whole = readForeign(file);
    // It is named by its hash.
    const hash = sha256(whole);
    return hash === basename(file) ? { tool, input: whole } : { tool };
  } catch {
    return { tool };
  }
}

/** A long input with its middle left out: what a command does last may be what matters. */
function bothEnds(input: string): string {
  if (input.length <= INPUT_CHARS) return input;
  const left = input.length - HEAD_CHARS - TAIL_CHARS;
  const tail = input.slice(-TAIL_CHARS).replace(/^[\udc00-\udfff]/, '');
  return `${sliceUnits(input, 0, HEAD_CHARS)} [${left} characters left out] ${tail}`;
}
