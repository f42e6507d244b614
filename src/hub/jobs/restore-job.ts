import { existsSync, renameSync } from 'node:fs';
import { makeFolder } from '../../base/folders.ts';
import type { RecordedEvent } from '../../job/event.ts';
import { writeDurably, writeNew } from '../../registry/files.ts';
import type { Journal } from '../../registry/journal.ts';
import { readJournal } from '../../registry/read-journal.ts';
import { recordText } from '../../registry/record-file.ts';
import type { Seal } from '../../registry/seal.ts';
import { keptText, restoreTexts, writeText } from '../../registry/texts.ts';
import type { LiveJob } from './live-job.ts';
import type { Replica } from './replica.ts';

/**
 * Recreates a job's files that were removed or replaced by a copy, from what is known about it.
 * @param recent its newest events
 * @param replica of the copy of another host's job: its state is written again as well
 * @returns what could not be restored, as a sentence
 * @throws the system's error
 */
export async function restoreJob(
  job: LiveJob,
  journal: Journal,
  seal: Seal,
  recent: readonly RecordedEvent[],
  replica: Replica | undefined,
): Promise<string | undefined> {
  const { paths, record } = job;
  const prompt = job.prompt ?? keptText(record.prompt_sha256);
  makeFolder(paths.folder);
  // Never through a link that was put at its path.
  job.ground.check();
  await replica?.rewrite();
  const rescued = await journal.rescue();
  const text = rescued ?? remembered(job, seal, recent);
  // A journal without its beginning counts from the record on.
  await writeDurably(paths.record, recordText(job.record, seal, job.signer));
  const isTaskLost = !existsSync(paths.prompt) && prompt === undefined;
  if (prompt !== undefined && !existsSync(paths.prompt)) await writeNew(paths.prompt, prompt);
  const task = record.task_sha256 === undefined ? undefined : keptText(record.task_sha256);
  if (task !== undefined) await writeText(paths.texts, task);
  await writeDurably(paths.journal, text);
  const texts = await restoreTexts(recent, paths.texts);
  const lost = [...(isTaskLost ? ['its task'] : []), ...(texts > 0 ? [`${texts} of its long texts`] : [])];
  if (lost.length === 0) return undefined;
  return `The files of ${job.id} were removed: ${lost.join(' and ')} could not be restored.`;
}

/** The lines of the journal at its path, and those of the newest events that it lacks. */
function remembered({ signer, paths }: LiveJob, seal: Seal, recent: readonly RecordedEvent[]): string {
  const there = readJournal(paths.journal, { seal, jobId: signer }).events;
  const first = recent[0]?.seq ?? 1;
  const last = there.at(-1)?.seq ?? 0;
  // With a gap they would contradict the record.
  const isGap = last > 0 && last + 1 < first;
  if (isGap) renameSync(paths.journal, `${paths.journal}.to-${last}`);
  const kept = isGap ? [] : there.filter(({ seq }) => seq < first);
  const lines = [...kept, ...recent].map((event) => seal.sign(signer, JSON.stringify(event)));
  return lines.map((line) => `\n${line}\n`).join('');
}
