const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const SUFFIX_LENGTH = 8;
const MAX_LENGTH = 64;
/** Long enough to recognise a job by, short enough to type. */
const SLUG_LENGTH = 40;

/** A fresh job id: the slug of the prompt's first words (`job` if nothing is left of them), `-`, 8 random characters. */
export function newJobId(prompt: string): string {
  return `${slug(prompt) || 'job'}-${randomSuffix()}`;
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
  let suffix = '';
  for (let i = 0; i < SUFFIX_LENGTH; i++) suffix += ALPHABET[Math.floor(Math.random() * ALPHABET.length)];
  return suffix;
}

function slug(prompt: string): string {
  const words = prompt
    .slice(0, 400)
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
