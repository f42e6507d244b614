import { MamError } from '../base/errors.ts';
import { cleanLine } from '../base/text.ts';

/** Where an entry stands, and how the user takes it out by himself. */
export interface Entry {
  path: string;
  name: string;
  remove: string;
}

const MAX_KEY = 120;

/** A path of keys, which may be the user's own, for a message. */
export function nameOf(at: string[]): string {
  return cleanLine(at.join('.'), MAX_KEY);
}

/** What is told of a value that the user had before we wanted one there. */
export function ownLeft(at: string[], path: string): string {
  return `${nameOf(at)} in ${path} is your own: it is left as it is.`;
}

/** The refusal to write an entry anew. @param changed what of ours says something else by now; empty for no entry of ours */
export function notToWrite({ path, name, remove }: Entry, changed: string[][]): MamError {
  return new MamError(
    'refused',
    `${path} already has ${name}, and it is not what mam install wrote${listed(changed)}: it is left as it is, and nothing was changed.`,
    `To have it written anew, take it out first (${remove}), then run this again.`,
  );
}

/** The refusal to take an entry out. @param changed as above */
export function notToTake({ path, name, remove }: Entry, changed: string[][]): MamError {
  const why =
    changed.length === 0
      ? 'was not written by mam install'
      : `was changed since mam install wrote it${listed(changed)}`;
  return new MamError(
    'refused',
    `${name} in ${path} ${why}: it is left as it is, and nothing was changed.`,
    `Take it out yourself (${remove}), then run this again.`,
  );
}

function listed(changed: string[][]): string {
  const names = changed.filter((at) => at.length > 0).map(nameOf);
  return names.length === 0 ? '' : ` (${names.join(', ')})`;
}
