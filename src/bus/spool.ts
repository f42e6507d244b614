import { constants, readFileSync, rmSync } from 'node:fs';
import { lstat, open, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MamError } from '../errors.ts';
import { makeFolder, namesIn } from '../folders.ts';
import { newEventId } from '../job/id.ts';
import { isDayOld, sweepUnfinished, syncFolder, writeDurable } from './durable.ts';

const NAME = /^[a-z0-9-]{1,80}\.txt$/;
/** More than the largest text of the contract in any encoding: what is larger is not ours. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Hands over a text that is too long for an MQTT payload, as a file on the same machine.
 * @param home MAM_HOME
 * @returns the absolute path of the file, on disk when this resolves
 * @throws MamError `io`
 */
export async function spoolText(home: string, text: string): Promise<string> {
  const folder = spoolFolder(home);
  const path = join(folder, `${newEventId()}.txt`);
  try {
    makeFolder(folder);
    await writeDurable(path, text);
    await syncFolder(folder);
    return path;
  } catch (error) {
    throw new MamError(
      'io',
      `The text cannot be handed over in ${folder}: ${(error as Error).message}.`,
      'Free disk space, or let that folder be written. A text that you put into a file of the project, and name, needs none of it.',
      { cause: error },
    );
  }
}

/** A text longer than this as JSON, in bytes, is handed over as a file: it shares a payload of 64 KiB with others. */
const INLINE_BYTES = 32 * 1024;

/** True for a text that does not go into a payload. */
export function isLong(text: string): boolean {
  return Buffer.byteLength(JSON.stringify(text)) > INLINE_BYTES;
}

/** A delegation whose prompt is handed over as a file where it is long. @throws MamError `io` */
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
 * @throws MamError `bad_input` when `path` is no plain file of the spool folder of `home`, `not_found` when it is gone
 */
export async function takeSpool(home: string, path: string): Promise<string> {
  checkPath(home, path);
  try {
    const folder = await lstat(spoolFolder(home));
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!folder.isDirectory() || !found.isFile() || found.size > MAX_BYTES) throw foreign(path);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof MamError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw foreign(path);
    throw new MamError('not_found', `The handed over text ${path} is gone.`, 'Send it again.', {
      cause: error,
    });
  }
}

/** Removes a spool file; one that is gone, or none of ours, is left as it is. */
export async function dropSpool(home: string, path: string): Promise<void> {
  checkPath(home, path);
  await unlink(path).catch(() => {});
}

/**
 * Removes texts that nobody has taken for a day, and that no kept event names: a text is taken within seconds. Also what
 * was being written there, or into the outbox, by a process that was killed.
 */
export function sweepSpool(home: string): void {
  const [spool, outbox] = [spoolFolder(home), join(home, 'outbox')];
  for (const folder of [spool, outbox]) sweepUnfinished(folder);
  const old = namesIn(spool).filter((name) => NAME.test(name) && isDayOld(join(spool, name)));
  if (old.length === 0) return;
  const kept = namesIn(outbox).map((name) => textOf(join(outbox, name)));
  // What could not be read may name any of them.
  if (kept.includes(undefined)) return;
  for (const name of old)
    if (!kept.some((text) => text?.includes(name))) rmSync(join(spool, name), { force: true });
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function spoolFolder(home: string): string {
  return join(home, 'spool');
}

function checkPath(home: string, path: string): void {
  const name = basename(path);
  if (path !== join(spoolFolder(home), name) || !NAME.test(name)) throw foreign(path);
}

function foreign(path: string): MamError {
  return new MamError(
    'bad_input',
    `${JSON.stringify(path.slice(0, 200))} is no file of the hub's spool folder.`,
    'Only a text that mam itself put there can be handed over.',
  );
}
