import type { Readable } from 'node:stream';

/**
 * The first line that a tmux client prints. The client's end is not awaited: a hook of the user may delay it forever.
 * @param child with both of its outputs piped
 * @returns `why`: its error output; `isMissing`: there is no such program
 */
export async function firstLine(
  child: Promise<{ code?: string | undefined }> & { stdout: Readable; stderr: Readable },
): Promise<{ line: string; why: string; isMissing: boolean }> {
  let why = '';
  let line = '';
  let isMissing = false;
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    why += chunk;
  });
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      line += chunk;
      if (line.includes('\n')) resolve();
    });
    void child.then(({ code }) => {
      isMissing = code === 'ENOENT';
      resolve();
    });
  });
  return { line: line.trim(), why: why.trim(), isMissing };
}
