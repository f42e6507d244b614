import { clean } from './text.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const SUFFIX_LENGTH = 8;
const MAX_LENGTH = 64;
/** Long enough to recognise a job by, short enough for a list next to other columns. */
const SLUG_LENGTH = 20;
/** Without those that look alike in some fonts: 0 and o, 1, i and l. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz';
const DIGITS = '23456789';
/** The random part of an id, at its beginning. A letter and a digit come first: no word of a sentence begins like that. */
const HEAD = /^[a-hjkmnp-z][2-9][a-hjkmnp-z2-9]{6}(?=-)/;
/** A place in a prompt where something else will stand, such as the result of a job: its id must not be a part of this one. */
const MARK = /\{\{[^{}]*\}\}/g;
/** The random part of an id of an earlier version, at its end. */
const TAIL = /(?<=.-)[a-z0-9]{8}$/;

/**
 * A fresh job id: 8 random characters, `-`, and the slug of the prompt's first words (`job` if nothing is left of them),
 * such as `k3f9x2ab-fix-login-test`. The random part comes first because its beginning is enough to name the job.
 */
export function newJobId(prompt: string): string {
  const head = randomOf(LETTERS, 1) + randomOf(DIGITS, 1) + randomOf(LETTERS + DIGITS, 6);
  return `${head}-${slug(prompt.replace(MARK, ' ')) || 'job'}`;
}

/** The random part of a job id; undefined for a name that has none. */
export function randomPartOf(jobId: string): string | undefined {
  return (HEAD.exec(jobId) ?? TAIL.exec(jobId))?.[0];
}

/** The rest of a job id, which says what it is about. */
export function slugOf(jobId: string): string {
  const random = randomPartOf(jobId);
  if (random === undefined) return jobId;
  return beginsRandomly(jobId) ? jobId.slice(random.length + 1) : jobId.slice(0, -random.length - 1);
}

/** True for an id that begins with its random part, as all do now. */
export function beginsRandomly(jobId: string): boolean {
  return HEAD.test(jobId);
}

/** True for a string that may become a topic level or a folder name: `[a-z0-9-]`, 64 characters at most. */
export function isJobId(value: string): boolean {
  return value.length <= MAX_LENGTH && /^[a-z0-9][a-z0-9-]*$/.test(value);
}

/**
 * A fresh id for an event or a request. Unique, not secret: loading node:crypto for it would cost a short process such
 * as `mam publish` 3 to 10 ms.
 */
export function newEventId(): string {
  return `${Date.now().toString(36)}-${process.pid.toString(36)}-${randomSuffix()}${randomSuffix()}`;
}

/** 8 random characters of `[a-z0-9]`. */
export function randomSuffix(): string {
  return randomOf(ALPHABET, SUFFIX_LENGTH);
}

function randomOf(characters: string, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += characters[Math.floor(Math.random() * characters.length)];
  return text;
}

function slug(prompt: string): string {
  const words = clean(prompt.slice(0, 400))
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
  let result = '';
  for (const word of words) {
    const longer = result === '' ? word.slice(0, SLUG_LENGTH) : `${result}-${word}`;
    if (longer.length > SLUG_LENGTH) break;
    result = longer;
  }
  return result;
}
