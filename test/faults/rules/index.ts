import type { Evidence } from '../evidence.ts';
import { acknowledged } from './acknowledged.ts';
import { agreement } from './agreement.ts';
import { answered } from './answered.ts';
import { delegated } from './delegated.ts';
import { journal } from './journal.ts';
import { left } from './left.ts';
import { limits } from './limits.ts';
import { panes } from './panes.ts';
import type { Rule } from './rule.ts';
import { toldEnds } from './told-ends.ts';
import { waiters } from './waiters.ts';

export const RULES: Readonly<Record<string, Rule>> = {
  journal,
  acknowledged,
  delegated,
  agreement,
  'told ends': toldEnds,
  limits,
  panes,
  waiters,
  answered,
  left,
};

/** Every violation, with the name of its rule. */
export function violations(evidence: Evidence): string[] {
  return Object.entries(RULES).flatMap(([name, rule]) => rule(evidence).map((what) => `${name}: ${what}`));
}
