import type { Rule } from './rule.ts';

/** When everything has ended, nothing is left: no process, socket, half-written file, lock or hidden session. */
export const left: Rule = (evidence) => evidence.left.map((what) => `left: ${what}`);
