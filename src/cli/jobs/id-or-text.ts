import { MamError } from '../../base/errors.ts';
import { beginsRandomly, isJobId, randomPartOf, slugOf } from '../../base/ids.ts';
import { shellWord } from '../../base/shell.ts';
import { cleanLine } from '../../base/text.ts';
import { severalMeant } from '../../job/meant-jobs.ts';
import { oneOf } from './asking.ts';

/** The shortest word that names a job in front of a text. */
const SHORTEST = 3;
const NAMED_JOBS = 5;
/** Words that a sentence may begin with, and that nobody names a job by. */
const FILLERS = new Set(
  (
    'all and any are both but can did does done for from has have here how its just maybe neither none not nothing now ' +
    'okay only our please some thanks that the their then there these they this those was were what when where which ' +
    'who why will with yes yet you your'
  ).split(' '),
);

/** What is known about the jobs that the words of a command may name. */
export interface Choice {
  /** Such as `mam answer`. */
  command: string;
  /** The ids of the open jobs. */
  open: readonly string[];
  /** Those that may be meant when no job is named. */
  asking: readonly string[];
  /** The job with this whole id, or this whole random part, whether it is open or not. */
  named: (word: string) => string | undefined;
  /** The error for a word that can only be a mistyped id; undefined for any other. */
  mistyped: (word: string) => MamError | undefined;
}

/**
 * Splits the words of `mam answer` and `mam done` into a job's id and a text. A text never loses its first word, and never
 * goes to another job: where the first word may be either, nothing is done.
 * - A whole id, a whole random part and the beginning of one (3 characters and more) are always the id.
 * - A word of an id's slug is the id only in front of one quoted text. In all other cases the words are refused, unless
 *   both readings lead to the same job: then all words are the text.
 * @returns no id if the text is for the job that asks
 * @throws MamError `bad_input` with every complete command that may be meant; `not_found` for a mistyped id
 */
export function idOrText(words: readonly string[], choice: Choice): { id?: string; text: string } {
  const [first = '', ...rest] = words;
  const whole = words.join(' ');
  const { open, asking } = choice;
  if (!isJobId(first)) return { text: whole };
  const named = choice.named(first) ?? onlyOne(first, beginningWith(first, open));
  if (named !== undefined) return { id: named, text: rest.join(' ') };
  const found = FILLERS.has(first) ? [] : withWord(first, open);
  const mistyped = found.length > 0 ? undefined : choice.mistyped(first);
  if (mistyped !== undefined) throw mistyped;
  const [id, ...more] = found;
  if (id === undefined || rest.length === 0) return { text: whole };
  // Nothing, as from an empty variable, is the missing text of that job.
  const isQuoted = rest.length === 1 && /^$|\s/.test(rest[0] ?? '');
  if (isQuoted) return { id: onlyOne(first, found) ?? id, text: rest.join(' ') };
  const isOnlyAsker = more.length === 0 && asking.length === 1 && asking[0] === id;
  if (isOnlyAsker) return { text: whole };
  throw ambiguous(first, found, rest, choice);
}

/** True for a word that can only be meant as an id: it has the form of one. */
export function looksLikeId(word: string): boolean {
  return isJobId(word) && (randomPartOf(word) !== undefined || beginsRandomly(`${word}-`));
}

function beginningWith(word: string, open: readonly string[]): string[] {
  if (word.length < SHORTEST) return [];
  // The beginning of an earlier version's id may be a word of the text, unless it has more than one word.
  return open.filter((id) => id.startsWith(word) && (beginsRandomly(id) || word.includes('-')));
}

/** Those whose slug has words that begin with this. */
function withWord(word: string, open: readonly string[]): string[] {
  if (word.length < SHORTEST) return [];
  return open.filter((id) => `-${slugOf(id)}`.includes(`-${word}`));
}

function onlyOne(word: string, found: readonly string[]): string | undefined {
  if (found.length > 1)
    throw severalMeant(
      word,
      found.map((job_id) => ({ job_id, status: 'open' })),
    );
  return found[0];
}

function ambiguous(
  first: string,
  found: readonly string[],
  rest: readonly string[],
  { command, asking }: Choice,
): MamError {
  const to = (id: string, words: readonly string[]): string =>
    `${command} --job ${id} ${shellWord(words.join(' '))}`;
  const asId = found.slice(0, NAMED_JOBS).map((id) => to(id, rest));
  const asText = asking.slice(0, NAMED_JOBS).map((id) => to(id, [first, ...rest]));
  const word = cleanLine(first, 40);
  return new MamError(
    'bad_input',
    `"${word}" may be part of a job id or the first word of the text, so nothing was sent.`,
    oneOf([...asId, ...asText]),
  );
}
