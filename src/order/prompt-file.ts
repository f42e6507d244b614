import { MamError, systemCode } from '../base/errors.ts';
import { sha256 } from '../base/sha256.ts';
import type { JobRecord } from '../job/record.ts';
import { writeDurably } from '../registry/files.ts';
import { readForeign } from '../trust/files.ts';

/**
 * A job's task, as it was delegated. Its file lies in a project, where other peers can write: a task that was changed
 * would be obeyed by this one, in the name of whoever delegated it.
 * @throws MamError `io` when it can't be read, `refused` when it is another one
 */
export function readPrompt(
  { job_id: id, prompt_sha256: hash }: Pick<JobRecord, 'job_id' | 'prompt_sha256'>,
  file: string,
): string {
  let prompt: string;
  try {
    prompt = readForeign(file);
  } catch (error) {
    throw new MamError(
      'io',
      `The task of job ${id} cannot be read from ${file} (${systemCode(error) ?? 'unknown error'}).`,
      'Report error with this reason: whoever delegated the job can restore the file, or delegate it anew.',
      { cause: error },
    );
  }
  if (sha256(prompt) === hash) return prompt;
  throw new MamError(
    'refused',
    `The task of job ${id} in ${file} is not the one that was delegated: it was changed.`,
    'Report error, or delegate it anew.',
  );
}

/**
 * Writes a task again that is not there, or only its beginning: a hub that was killed while it made the job leaves it so.
 * Another text stays, whoever wrote it.
 * @param job where its files lie, and what proves that they still lie there
 * @param prompt the task as it was delegated
 * @throws the system's error
 */
export async function restorePrompt(
  { ground, paths }: { ground: { check(): void }; paths: { prompt: string } },
  prompt: string,
): Promise<void> {
  let there = '';
  ground.check();
  try {
    there = readForeign(paths.prompt);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') return;
  }
  if (there !== prompt && prompt.startsWith(there)) await writeDurably(paths.prompt, prompt);
}
