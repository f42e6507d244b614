import type { DialogName, DialogSign } from './kind.ts';

export const ALLOW_OR_DENY = 'allow or deny what it asks for';
export const ANSWER_OR_CLOSE = 'answer or close (Escape) what is open there';

/** @param pattern its source; `^` and `$` match at each line */
export function sign(name: DialogName, pattern: string, remedy: string): DialogSign {
  return { name, pattern: new RegExp(pattern, 'm'), remedy };
}
