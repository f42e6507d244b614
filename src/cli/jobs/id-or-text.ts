import { MamError } from '../../base/errors.ts';
import { beginsRandomly, isJobId, randomPartOf, slugOf } from '../../base/ids.ts';
import { lastWord } from '../../base/shell.ts';
import { cleanLine } from '../../base/text.ts';
import { severalMeant } from '../../job/meant-jobs.ts';
import { oneOf } from './asking.ts';

/** The shortest word that names a job in front of a text. */
const SHORTEST = 3;
const NAMED_JOBS = 5;
/** How a random part begins. */
const LIKE_RANDOM = /^[a-hjkmnp-z][2-9]/;
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
  /** The ids of the ended jobs that have this part. */
  ended: (part: string) => readonly string[];
  /** Those that may be meant when no job is named. */
  asking: readonly string[];
  /** The job with this whole id, or this whole random part, whether it is open or not. */
  named: (word: string) => string | undefined;
  /** True for a word that is close to the id of a job. */
  isNear: (word: string) => boolean;
  /** The error for an id that no job has. */
  unknown: (word: string) => MamError;
}

/**
 * Splits the words of `mam answer` and `mam done` into a job's id and a text. A text never loses its first word, and never
 * goes to another job: where the first word may be either, nothing is done.
 * - A word in front of a quoted text is always the id: any part of one counts.
 * - A whole id, a whole random part and the beginning of one (at least 3 characters) are always the id, of open and of
 *   ended jobs. A word that begins like a random part is never text.
 * - With a word of an id's slug the words are refused, unless both readings lead to the same job: then all words are the
 *   text.
 * @returns no id if the text is for the job that asks
 * @throws MamError `bad_input` with every complete command that may be meant; `not_found` for a mistyped id
 */
export function idOrText(words: readonly string[], choice: Choice): { id?: string; text: string } {
  const [first = '', ...rest] = words;
  const whole = words.join(' ');
  const text = rest.join(' ');
  const { open, ended, asking, named, isNear } = choice;
  if (first === '' || /\s/.test(first)) return { text: whole };
  // Nothing, as from an empty variable, is the missing text of that job.
  const isQuoted = rest.length > 0 && /^$|\s/.test(rest[0] ?? '');
  if (!isJobId(first)) {
    if (isQuoted) throw unknown(words, choice);
    return { text: whole };
  }
  const begun = (ids: readonly string[]) => onlyOne(first, beginningWith(first, ids));
  const certain = named(first) ?? begun(open) ?? begun(ended(first));
  if (certain !== undefined) return { id: certain, text };
  const mayName = first.length >= SHORTEST && !FILLERS.has(first);
  if (isQuoted) {
    const id = mayName ? (having(first, open) ?? having(first, ended(first))) : undefined;
    if (id === undefined) throw unknown(words, choice);
    return { id, text };
  }
  if (LIKE_RANDOM.test(first)) throw unknown(words, choice);
  const found = mayName ? withWord(first, open) : [];
  const past = mayName && found.length === 0 ? withWord(first, ended(first)) : [];
  const [id = past[0], ...more] = found;
  // A word that several ended jobs have identifies none of them.
  if (id === undefined || past.length > 1) {
    const isMistyped = looksLikeId(first) || (first.includes('-') && (rest.length === 1 || isNear(first)));
    if (isMistyped) throw unknown(words, choice);
    return { text: whole };
  }
  const isOnlyAsker = more.length === 0 && asking.length === 1 && asking[0] === id;
  if (isOnlyAsker) return { text: whole };
  // Then it can't be a text: the answer is that the job has ended.
  if (past.length === 1 && (asking.length === 0 || first.includes('-'))) return { id, text };
  if (rest.length === 0 && asking.length === 0) return { text: whole };
  throw ambiguous(words, found, choice);
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

/** The only job with this part. */
function having(part: string, ids: readonly string[]): string | undefined {
  return onlyOne(
    part,
    ids.filter((id) => id.includes(part)),
  );
}

/** Those whose slug has words that begin with this. */
function withWord(word: string, ids: readonly string[]): string[] {
  return ids.filter((id) => `-${slugOf(id)}`.includes(`-${word}`));
}

function onlyOne(word: string, found: readonly string[]): string | undefined {
  if (found.length > 1)
    throw severalMeant(
      word,
      found.map((job_id) => ({ job_id })),
    );
  return found[0];
}

/** The error for words that may begin with an id, though no job has it. */
function unknown(words: readonly string[], choice: Choice): MamError {
  const [first = '', ...rest] = words;
  const { code, message, hint } = choice.unknown(first);
  return new MamError(code, message, [hint, asText()].filter(Boolean).join(' '));

  function asText(): string {
    if (rest.length > 0) return 'If it is text, put all of it in quotes.';
    const lines = linesFor(choice, choice.asking, words);
    return lines.length === 0 ? '' : `If it is text: ${oneOf(lines)}`;
  }
}

/** @param found the open jobs that the first word may name; none if it only names an ended one */
function ambiguous(words: readonly string[], found: readonly string[], choice: Choice): MamError {
  const [first = '', ...rest] = words;
  const asId = rest.length === 0 ? [] : linesFor(choice, found, rest);
  const asText = linesFor(choice, choice.asking, words);
  return new MamError(
    'bad_input',
    `"${cleanLine(first, 40)}" may be part of a job id or the first word of the text, so nothing was sent.`,
    oneOf([...asId, ...asText]),
  );
}

/** The complete command for each job. */
function linesFor({ command }: Choice, ids: readonly string[], words: readonly string[]): string[] {
  return ids.slice(0, NAMED_JOBS).map((id) => `${command} --job ${id} ${lastWord(words.join(' '))}`);
}
