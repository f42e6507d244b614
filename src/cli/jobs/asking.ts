import { MamError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell.ts';
import { cleanLine } from '../../base/text.ts';
import { openDecisions } from '../../job/open-request.ts';
import type { JobRecord, PeerRequest } from '../../job/record.ts';
import { waitsInItsPane } from '../../view/job.ts';
import { commandsElsewhere } from './elsewhere.ts';

export type Decision = 'allow' | 'deny';

const NAMED_JOBS = 5;
const ABOUT_CHARS = 160;

/** What jobs are looked for, as a clause: of one job, and of several. */
export interface What {
  one: string;
  several: string;
}

/** The next step where one of several commands may be meant. */
export function oneOf(commands: readonly string[]): string {
  return `Run one of these:${commands.map((command) => `\n  ${command}`).join('')}`;
}

/**
 * The only job that asks.
 * @param commandFor the complete command for each, if several ask
 * @param others the jobs of other projects that ask
 * @param otherStep what to do if none asks
 * @throws MamError `conflict` when none asks, `bad_input` when several do
 */
export function onlyAsking(
  asking: readonly JobRecord[],
  what: What,
  commandFor: (record: JobRecord) => string,
  others: readonly JobRecord[],
  otherStep = 'mam list shows the jobs.',
): JobRecord {
  const [only, ...more] = asking;
  if (only === undefined)
    throw new MamError(
      'conflict',
      `No open job here ${what.one} now.`,
      others.length === 0 ? otherStep : commandsElsewhere(others, commandFor),
    );
  if (more.length === 0) return only;
  const left = asking.length - NAMED_JOBS;
  const commands = asking.slice(0, NAMED_JOBS).map(commandFor);
  throw new MamError(
    'bad_input',
    `${asking.length} jobs ${what.several} now.`,
    oneOf(left > 0 ? [...commands, `… and ${left} more: mam list --needs-you`] : commands),
  );
}

/**
 * The request that a decision is for: the one that is open at this moment.
 * @throws MamError `conflict` when none is open, or none that can be decided from here; `bad_input` when several are
 */
export function openDecision(record: JobRecord, decision: Decision): PeerRequest {
  const { job_id } = record;
  const [request, ...more] = openDecisions(record);
  if (request === undefined && waitsInItsPane(record))
    throw new MamError(
      'conflict',
      `Run \`mam attach ${job_id}\` and answer there: the job waits at a dialog that can only be answered in its pane.`,
    );
  if (request === undefined) {
    const { status, reason } = record;
    throw new MamError(
      'conflict',
      `Job ${job_id} does not ask for a decision now: it is ${status}${reason === undefined ? '' : ` (${reason})`}.`,
      `\`mam status ${job_id}\` shows it.`,
    );
  }
  if (more.length === 0) return request;
  const commands = [request, ...more].map(
    (one) => `mam ${decision} ${job_id} --request ${shellWord(one.request_id)} # ${aboutOf(one)}`,
  );
  throw new MamError(
    'bad_input',
    `Job ${job_id} asks for ${more.length + 1} decisions at once.`,
    oneOf(commands),
  );
}

/** What a request is about, on one line. */
export function aboutOf({ text }: PeerRequest): string {
  return cleanLine(text, ABOUT_CHARS);
}
