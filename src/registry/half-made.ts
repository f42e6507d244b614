import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isOwnFile, isOwnFolder } from '../trust/owner.ts';
import { journalText } from './journal.ts';
import { jobPaths } from './paths.ts';

/** What a job's folder has before anybody is told of the job. */
const FIRST = ['events.jsonl', 'prompt.md'];

/**
 * Removes what a hub has left that was killed in the middle of making a job: a folder without a whole line of a journal.
 * Nobody was told of that job. A folder that holds anything else stays as it is.
 * @throws the system's error
 */
export function sweepHalfMade(registryDir: string, jobId: string): void {
  const { folder, journal } = jobPaths(registryDir, jobId);
  if (!isOwnFolder(folder)) return;
  const names = readdirSync(folder);
  if (!names.every((name) => FIRST.includes(name) && isOwnFile(join(folder, name)))) return;
  if (names.includes('events.jsonl') && hasWholeLine(journal)) return;
  for (const name of names) rmSync(join(folder, name), { force: true });
  rmdirSync(folder);
}

function hasWholeLine(journal: string): boolean {
  return journalText(journal)
    .split('\n')
    .slice(0, -1)
    .some((line) => line !== '');
}
