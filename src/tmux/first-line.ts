import type { Readable } from 'node:stream';

/** What a tmux client has said: the line that it printed, and what it said of a failure. */
export interface Told {
  line: string;
  why: string;
  /** There is no such program. */
  isMissing: boolean;
}

/**
 * The first line that a tmux client prints. Not its end: a hook of the user's may keep it for as long as it likes.
 * @param child with both of its outputs piped
 */
export async function firstLine(
  child: Promise<{ code?: string | undefined }> & { stdout: Readable; stderr: Readable },
): Promise<Told> {
  let why = '';
  let told = '';
  let isMissing = false;
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    why += chunk;
  });
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      told += chunk;
      if (told.includes('\n')) resolve();
    });
    void child.then(({ code }) => {
      isMissing = code === 'ENOENT';
      resolve();
    });
  });
  return { line: told.trim(), why: why.trim(), isMissing };
}
