import { accessSync, constants, rmdirSync, type Stats, statSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import { checkRoom, makeFolder } from '../base/folders.ts';
import { hasLoneSurrogate } from '../base/text.ts';
import { LIMITS } from '../job/limits.ts';
import type { DelegateParams } from '../operations/request.ts';

/** @throws MamError `bad_input` for a prompt that is empty, too long, or could not be kept byte for byte */
export function checkPrompt(prompt: string | undefined): string {
  if (prompt === undefined || prompt.trim() === '') {
    throw new MamError('bad_input', 'The prompt is empty.', 'Say in prompt what the peer should do.');
  }
  const bytes = Buffer.byteLength(prompt);
  if (bytes > LIMITS.promptBytes) {
    throw new MamError(
      'bad_input',
      `The prompt has ${bytes} bytes; 1 MiB (1048576) is the most.`,
      'Write the material to a file and name that file in the prompt.',
    );
  }
  if (hasLoneSurrogate(prompt)) {
    throw new MamError(
      'bad_input',
      'The prompt has half a UTF-16 surrogate pair.',
      'Send well-formed Unicode text.',
    );
  }
  return prompt;
}

/** @throws MamError `bad_input` for a limit that is not from 1 s to a week */
export function checkTimes({
  timeout_seconds,
  idle_timeout_seconds,
  validate_timeout_seconds = 1,
}: Pick<DelegateParams, 'timeout_seconds' | 'idle_timeout_seconds' | 'validate_timeout_seconds'>): void {
  const times = { timeout_seconds, idle_timeout_seconds, validate_timeout_seconds };
  for (const [name, value] of Object.entries(times)) {
    if (!(Number.isFinite(value) && value >= 1 && value <= LIMITS.timeoutSeconds)) {
      throw new MamError(
        'bad_input',
        `${name} must be from 1 to ${LIMITS.timeoutSeconds} seconds.`,
        `Try ${name} 3600.`,
      );
    }
  }
}

/** @throws MamError `bad_input` for a working folder that does not exist */
export function checkWorkdir(workdir: string): void {
  let stat: Stats | undefined;
  try {
    stat = statSync(workdir);
  } catch {
    // Missing, below a file, or in a folder that may not be entered.
  }
  if (stat?.isDirectory() !== true) {
    throw new MamError(
      'bad_input',
      stat === undefined
        ? `The working folder ${workdir} does not exist, or cannot be reached.`
        : `The working folder ${workdir} is not a folder.`,
      'Give workdir as an existing folder.',
    );
  }
}

/**
 * Makes the job's separate log folder.
 * @param look only whether it could be made
 * @throws MamError `io` when it can't be written
 */
export function makeLogFolder(folder: string, look = false): void {
  try {
    if (look) {
      checkRoom(folder);
      return;
    }
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new MamError(
      'io',
      `The log folder ${folder} cannot be written.`,
      'Mend its permissions or unset MAM_LOGS_DIR.',
      { cause: error },
    );
  }
}

/** Takes a job's log folder away again where there is no such job; one with something in it stays. */
export function dropLogFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is empty, at worst.
  }
}
