import { verdictWords } from '../job/check.ts';
import { dataOf, type RecordedEvent } from '../job/event.ts';
import { usageOf } from '../job/usage.ts';
import { usageLine } from './usage.ts';

/** What was seen or decided, for an event without its own words. */
export function evidenceWords(event: RecordedEvent): string | undefined {
  const { evidence, by, usage, conversation } = dataOf(event);
  if (event.type === 'usage') return usageLine(usageOf(usage));
  if (event.type === 'conversation') return conversation === undefined ? undefined : String(conversation.id);
  return verdictWords(dataOf(event)) ?? decisionWords(event) ?? evidence ?? by;
}

export function decisionWords(event: RecordedEvent): string | undefined {
  const { decision, evidence } = dataOf(event);
  return decision !== undefined && evidence !== undefined ? `${decision}: ${evidence}` : decision;
}
