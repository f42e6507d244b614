import { verdictWords } from '../job/check.ts';
import { dataOf, type RecordedEvent } from '../job/event.ts';

/** What was seen or decided, for an event that came without words; nothing where there is nothing to tell. */
export function evidenceWords(event: RecordedEvent): string | undefined {
  const { evidence, by } = dataOf(event);
  return verdictWords(dataOf(event)) ?? decisionWords(event) ?? evidence ?? by;
}

/** A decision on a permission, and what became of it. */
export function decisionWords(event: RecordedEvent): string | undefined {
  const { decision, evidence } = dataOf(event);
  return decision !== undefined && evidence !== undefined ? `${decision}: ${evidence}` : decision;
}
