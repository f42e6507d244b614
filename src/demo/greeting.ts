import { basename } from 'node:path';

/** What the demo's job asks for; the peer's program understands nothing else. */
export const PROMPT =
  'Write the file greeting.txt with one line: "Hello from job JOB_ID", with your job\'s id as JOB_ID.';

const TASK = /\bthe file ([\w.-]+)\b[^"]*"([^"\n]+)"/;

/** Decides whether the job is done; the hub gives it JOB_ID and runs it in the working folder. */
export const SCRIPT = `#!/usr/bin/env bash
# Passes when greeting.txt has one line, and in it the id of this very job.
set -euo pipefail
line=$(cat greeting.txt)
if [ "$line" = "Hello from job $JOB_ID" ]; then
  echo "greeting.txt says: $line"
else
  echo "greeting.txt should name the job $JOB_ID, but says: $line"
  exit 1
fi
`;

/** What the peer should do: one file with one line. */
export interface Plan {
  file: string;
  line: string;
}

/** The id of the job that an order names. */
export function jobIdOf(order: string): string | undefined {
  const forms = [
    /\bjob_id "([a-z0-9-]{1,64})"/,
    /\bJob ([a-z0-9-]{1,64})(?: was| is still open|, for you:|: )/,
  ];
  return forms.map((form) => form.exec(order)?.[1]).find((id) => id !== undefined);
}

/** True for a note about a job whose order came earlier: a failed check, an answer or a reminder. */
export function isNote(order: string): boolean {
  return /^Job [a-z0-9-]{1,64}(?: is still open|, for you:|: )/.test(order);
}

/** The line that a failed check asks for: what its output says after `expected:`, if anything. */
export function expectedIn(text: string): string | undefined {
  const [, quoted, plain] =
    /\bexpected:?\s+(?:"([^"\n]+)"|([^"\n]+?))(?:, note [a-z0-9]{8})?\s*$/im.exec(text) ?? [];
  return quoted ?? plain;
}

/** Reads a task; undefined if it is not of the one kind that the peer knows. */
export function planOf(task: string, jobId: string): Plan | undefined {
  const [, file, line] = TASK.exec(task) ?? [];
  if (file === undefined || line === undefined || basename(file) !== file || /^\.+$/.test(file))
    return undefined;
  return { file, line: line.replaceAll('JOB_ID', jobId) };
}
