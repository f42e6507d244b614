import { orElse } from '../base/or-else.ts';
import { tailOfForeign } from '../trust/files.ts';

/** The end of a plain file as text, at most so many bytes of it; empty when there is no such file. */
export function tailOf(path: string, bytes: number): string {
  return orElse(() => tailOfForeign(path, bytes).tail.toString('utf8'), '');
}
