import { verdictWords } from '../job/check.ts';
import { dataOf, type RecordedEvent } from '../job/event.ts';

/** What was seen or decided, for an event without its own words. */
export function evidenceWords(event: RecordedEvent): string | undefined {
  const { evidence, by } = dataOf(event);
  return verdictWords(dataOf(event)) ?? decisionWords(event) ?? evidence ?? by;
}

export function decisionWords(event: RecordedEvent): string | undefined {
  const { decision, evidence } = dataOf(event);
  return decision !== undefined && evidence !== undefined ? `${decision}: ${evidence}` : decision;
}
