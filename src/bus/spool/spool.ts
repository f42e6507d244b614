import { constants, readFileSync, rmSync } from 'node:fs';
import { lstat, open, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isDayOld, sweepUnfinished, syncFolder, writeDurable } from '../../base/durable.ts';
import { MamError, systemCode } from '../../base/errors.ts';
import { makeFolder, namesIn } from '../../base/folders.ts';
import { newEventId } from '../../base/ids.ts';
import { orElse } from '../../base/or-else.ts';
import { outboxFolder } from './outbox.ts';

const NAME = /^[a-z0-9-]{1,80}\.txt$/;
/** More than the largest text that the contract allows, in any encoding: a larger file is not ours. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;

/** Hands over a text too long for a payload. @returns the absolute path of its file, on disk @throws MamError `io` */
export async function spoolText(home: string, text: string): Promise<string> {
  const folder = spoolFolder(home);
  const path = join(folder, `${newEventId()}.txt`);
  try {
    makeFolder(folder);
    await writeDurable(path, text);
    await syncFolder(folder);
    return path;
  } catch (error) {
    const what = `The text cannot be handed over in ${folder}: ${(error as Error).message}.`;
    const remedy =
      'Free disk space, or make that folder writable. Or put the text into a file of the project, and name that file.';
    throw new MamError('io', what, remedy, { cause: error });
  }
}

/** A text with more bytes of JSON is handed over as a file, because it shares a 64 KiB payload with other fields. */
const INLINE_BYTES = 32 * 1024;

/** True for a text that does not fit into a payload. */
export function isLong(text: string): boolean {
  return Buffer.byteLength(JSON.stringify(text)) > INLINE_BYTES;
}

/** Delegation parameters whose prompt is handed over as a file if it is long. @throws MamError `io` */
export async function spoolPrompt<P extends { prompt?: string | undefined }>(
  home: string,
  params: P,
): Promise<P & { prompt_spool?: string }> {
  const { prompt } = params;
  if (prompt === undefined || !isLong(prompt)) return params;
  return { ...params, prompt: undefined, prompt_spool: await spoolText(home, prompt) };
}

/**
 * Reads a text that `spoolText` wrote. The file stays: remove it with `dropSpool` once the text is kept elsewhere.
 * @throws MamError `bad_input` if `path` is not a plain file in the spool folder of `home`, `not_found` if it is gone
 */
export async function takeSpool(home: string, path: string): Promise<string> {
  checkPath(home, path);
  try {
    const folder = await lstat(spoolFolder(home));
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!folder.isDirectory() || !found.isFile() || found.size > MAX_TEXT_BYTES) throw foreign(path);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof MamError) throw error;
    if (systemCode(error) === 'ELOOP') throw foreign(path);
    const what = `The handed-over text ${path} is gone.`;
    throw new MamError('not_found', what, 'Send it again.', { cause: error });
  }
}

/** Removes a spool file if it exists. @throws MamError `bad_input` for any other path */
export async function dropSpool(home: string, path: string): Promise<void> {
  checkPath(home, path);
  await unlink(path).catch(() => {});
}

/**
 * Removes texts that nobody took for a day and that no kept event names: normally a text is taken within seconds. Also
 * removes what a killed process left half-written there or in the outbox.
 */
export function sweepSpool(home: string): void {
  const [folder, outbox] = [spoolFolder(home), outboxFolder(home)];
  for (const one of [folder, outbox]) sweepUnfinished(one);
  const old = namesIn(folder).filter((name) => NAME.test(name) && isDayOld(join(folder, name)));
  if (old.length === 0) return;
  const kept = namesIn(outbox).map((name) =>
    orElse(() => readFileSync(join(outbox, name), 'utf8'), undefined),
  );
  // An unreadable event may name any of them.
  if (kept.includes(undefined)) return;
  for (const name of old)
    if (!kept.some((text) => text?.includes(name))) rmSync(join(folder, name), { force: true });
}

function spoolFolder(home: string): string {
  return join(home, 'spool');
}

function checkPath(home: string, path: string): void {
  const name = basename(path);
  if (path !== join(spoolFolder(home), name) || !NAME.test(name)) throw foreign(path);
}

function foreign(path: string): MamError {
  const what = `${JSON.stringify(path.slice(0, 200))} is not a file of the hub's spool folder.`;
  return new MamError('bad_input', what, 'Only a text that mam itself put there can be handed over.');
}
