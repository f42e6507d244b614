import { MamError } from '../base/errors.ts';
import { readForeign, whyUnread } from '../trust/files.ts';
import { type AgentConfig, isPath } from './agent-config.ts';

/** It shares a request of 64 KiB with a task of up to 32 KiB and the agent's variables; in bytes. */
const MAX_BYTES = 8 * 1024;

/**
 * What the tasks of an agent kind begin with, by the configuration. A file is read now, as the user, and never through a
 * link: a project's could lead to a secret, which would become part of a task.
 * @param name of the kind, for errors
 * @throws MamError `bad_input` for a file that can't be read, and for a text that is empty, too long or not UTF-8
 */
export function preambleOf(name: string, { preamble: given }: AgentConfig): string | undefined {
  if (given === undefined) return undefined;
  const text = (isPath(given) ? fileOf(name, given) : given).trim();
  if (text === '')
    throw unusable(name, 'is empty', 'Write what each task should begin with, or leave it out.');
  if (text.includes('\0') || text.includes('\ufffd'))
    throw unusable(name, 'is not a text in UTF-8', 'Convert it to UTF-8.');
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw unusable(name, `is longer than ${MAX_BYTES / 1024} KiB`, SHORTER);
  return text;
}

const SHORTER = 'Shorten it: the agent can read longer rules from a file that it names.';

function fileOf(name: string, path: string): string {
  try {
    return readForeign(path, MAX_BYTES);
  } catch (error) {
    const why = whyUnread(error);
    const next =
      why === 'it is too large'
        ? SHORTER
        : 'Correct the path: it must be that of a plain file, not of a link. A preamble that is a text must not begin with a path.';
    throw unusable(name, `is not used: ${path} can't be read, because ${why}`, next, error);
  }
}

function unusable(name: string, what: string, next: string, cause?: unknown): MamError {
  return new MamError('bad_input', `The preamble of agents.${name} ${what}.`, next, { cause });
}
