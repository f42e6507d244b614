import { MamError, systemCode } from '../base/errors.ts';
import { sha256 } from '../base/sha256.ts';
import type { JobRecord } from '../job/record.ts';
import { writeDurably } from '../registry/files.ts';
import { readForeign } from '../trust/files.ts';

type Task = Pick<JobRecord, 'job_id' | 'prompt_sha256' | 'task_sha256'>;

/**
 * A job's task, as it was delegated. Its file is in a project, where other peers can write: this peer would obey a
 * changed task in the name of the person who delegated it.
 * @throws MamError `io` if it can't be read, `refused` if it was changed
 */
export function readPrompt(
  { job_id: id, prompt_sha256, task_sha256: hash = prompt_sha256 }: Task,
  file: string,
): string {
  let prompt: string;
  try {
    prompt = readForeign(file);
  } catch (error) {
    throw new MamError(
      'io',
      `The task of job ${id} cannot be read from ${file} (${systemCode(error) ?? 'unknown error'}).`,
      'Report error with this reason: whoever delegated the job can restore the file, or delegate it again.',
      { cause: error },
    );
  }
  if (sha256(prompt) === hash) return prompt;
  throw new MamError(
    'refused',
    `The task of job ${id} in ${file} is not the one that was delegated: it was changed.`,
    'Report error, or delegate it again.',
  );
}

/**
 * Writes a task again if it is missing or incomplete, as after a hub was killed while it made the job. Any other text
 * stays, whoever wrote it.
 * @param job where its files are, and what proves that they are still there
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
