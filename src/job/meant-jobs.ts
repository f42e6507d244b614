import { MamError } from '../base/errors.ts';
import { beginsRandomly, randomPartOf } from '../base/ids.ts';
import { cleanLine, someOf } from '../base/text.ts';

/** How many jobs an error names. */
const NAMED_JOBS = 5;

/** A job that may be meant. */
export interface Known {
  readonly job_id: string;
  readonly isOpen: boolean;
}

/**
 * The jobs that a part of an id can mean: one if it is clear, none if no id has it. The first of these that fits any job
 * decides, so that what looks like the random part is taken for that, and a word finds open jobs before ended ones: the
 * whole id; the whole random part; the beginning of an id that begins with it; for open jobs, and then for the others,
 * the beginning of an earlier version's id, then any part.
 * @param given as a person or a model wrote it, not empty
 */
export function jobsMeant<K extends Known>(given: string, known: readonly K[]): readonly K[] {
  const having = known.filter(({ job_id }) => job_id.includes(given));
  const open = having.filter(({ isOpen }) => isOpen);
  const ended = having.filter(({ isOpen }) => !isOpen);
  const isWhole = ({ job_id }: K): boolean => job_id === given;
  const isRandomPart = ({ job_id }: K): boolean => randomPartOf(job_id) === given;
  const begins = ({ job_id }: K): boolean => job_id.startsWith(given);
  const beginsWithRandom = (one: K): boolean => begins(one) && beginsRandomly(one.job_id);
  const tries: [readonly K[], (one: K) => boolean][] = [
    [having, isWhole],
    [open, isRandomPart],
    [ended, isRandomPart],
    [open, beginsWithRandom],
    [ended, beginsWithRandom],
    [open, begins],
    [open, () => true],
    [ended, begins],
    [ended, () => true],
  ];
  for (const [among, fits] of tries) {
    const found = among.filter(fits);
    if (found.length > 0) return found;
  }
  return [];
}

/** The error for a part of an id that several jobs have. @param found with their statuses, as far as they are known */
export function severalMeant(
  given: string,
  found: readonly { job_id: string; status?: string | undefined }[],
): MamError {
  const named = found.map(({ job_id, status }) =>
    status === undefined ? job_id : `${job_id} (${cleanLine(status, 20)})`,
  );
  return new MamError(
    'bad_input',
    `${given} is part of ${found.length} job ids: ${someOf(named, NAMED_JOBS)}.`,
    'Give more of the id.',
  );
}

/**
 * The job that a report may be credited to, if its id is not whole: the only one with this random part, given alone or with
 * a beginning of the rest. Words of the slug are never enough, since two jobs may have the same.
 */
export function reportedJob<K extends Pick<Known, 'job_id'>>(
  given: string,
  known: readonly K[],
): K | undefined {
  const found = known.filter(({ job_id }) => {
    const random = randomPartOf(job_id);
    return (
      random !== undefined && (given === random || (job_id.startsWith(given) && given.startsWith(random)))
    );
  });
  return found.length === 1 ? found[0] : undefined;
}
