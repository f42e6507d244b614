import { accessSync, constants, statSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import { textProblem } from '../base/fields.ts';
import { checkRoom, makeFolder } from '../base/folders.ts';
import { isObject } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { LIMITS } from '../job/limits.ts';
import type { JobOrder } from '../job/record.ts';
import { delegate } from '../operations/delegate.ts';

/** @throws MamError `bad_input` for a prompt that is empty, too long, or cannot be kept byte for byte */
export function checkPrompt(prompt: string | undefined): string {
  const given = prompt ?? '';
  const problem = textProblem(given, delegate.fields.prompt);
  const hint = given.trim() === '' ? 'Say in the prompt what the peer should do.' : undefined;
  if (problem !== undefined) throw new MamError('bad_input', `The prompt ${problem}.`, hint);
  return given;
}

/** @throws MamError `bad_input` for texts that are too long for the first line of the job's journal */
export function checkOrder(order: JobOrder): void {
  const over = Buffer.byteLength(JSON.stringify(order)) - LIMITS.orderBytes;
  if (over <= 0) return;
  const [longest] = textsOf(order, '').sort(([, a], [, b]) => b.length - a.length);
  const what = `What is kept about the job is ${over} bytes too long; most of it is \`${longest?.[0]}\`.`;
  throw new MamError('bad_input', what, 'Shorten that.');
}

/** All texts in a value, with where they are. */
function textsOf(value: unknown, name: string): [name: string, text: string][] {
  if (typeof value === 'string') return [[name, value]];
  const inner = (key: string): string => (name === '' ? key : `${name}.${key}`);
  return isObject(value) ? Object.entries(value).flatMap(([key, one]) => textsOf(one, inner(key))) : [];
}

/** @throws MamError `bad_input` for a working folder that does not exist */
export function checkWorkdir(workdir: string): void {
  // Undefined if it is missing, below a file, or in a folder without access.
  const stat = orElse(() => statSync(workdir), undefined);
  if (stat?.isDirectory() !== true) {
    throw new MamError(
      'bad_input',
      stat === undefined
        ? `The working folder ${workdir} does not exist, or cannot be reached.`
        : `The working folder ${workdir} is not a folder.`,
      'Set workdir (`--workdir`) to an existing folder.',
    );
  }
}

/**
 * Makes the job's separate log folder.
 * @param look only check whether it could be made
 * @throws MamError `io` when it can't be written
 */
export function makeLogFolder(folder: string, look = false): void {
  try {
    if (look) checkRoom(folder);
    else {
      makeFolder(folder);
      accessSync(folder, constants.W_OK);
    }
  } catch (error) {
    throw new MamError(
      'io',
      `The log folder ${folder} cannot be written.`,
      'Fix its permissions or unset MAM_LOGS_DIR.',
      { cause: error },
    );
  }
}
