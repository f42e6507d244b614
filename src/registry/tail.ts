import { tailOfForeign } from '../trust/files.ts';

/** The end of a plain file as text, at most so many bytes of it; empty when there is no such file. */
export function tailOf(path: string, bytes: number): string {
  try {
    return tailOfForeign(path, bytes).tail.toString('utf8');
  } catch {
    return '';
  }
}
