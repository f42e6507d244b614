import { fieldsOf } from '../base/json.ts';
import { cleanLine } from '../base/text.ts';
import type { Usage } from './usage-schema.ts';

/** A model's name is a short word; anything longer is cut. */
const MODEL_CHARS = 100;
/** As much of a name is looked at, in characters: a hostile one may be as long as its line. */
const READ_CHARS = 1_000;
/** More models than an agent uses for one job. */
export const MODELS = 20;

/** What counts towards `max_tokens`: what is read from a cache is repeated in every step, and costs little. */
export function spentTokens({ input_tokens, output_tokens, cached_tokens }: Usage): number {
  return Math.max(0, input_tokens - cached_tokens) + output_tokens;
}

/** A model's name as a record has it: one harmless line. */
export function modelName(text: string): string {
  return cleanLine(text.slice(0, READ_CHARS), MODEL_CHARS);
}

/** The sum of two counts. One that is too large to be exact stays at the largest exact number, which a record can have. */
export function sumOf(one: number, other: number): number {
  return Math.min(one + other, Number.MAX_SAFE_INTEGER);
}

/** Both together. */
export function addUsage(one: Usage | undefined, other: Usage): Usage {
  if (one === undefined) return other;
  return {
    models: [...new Set([...one.models, ...other.models])].slice(0, MODELS),
    input_tokens: sumOf(one.input_tokens, other.input_tokens),
    output_tokens: sumOf(one.output_tokens, other.output_tokens),
    cached_tokens: sumOf(one.cached_tokens, other.cached_tokens),
    source: other.source,
  };
}

/** What an event says was used: another version or host may have written it. @returns nothing for anything else */
export function usageOf(value: unknown): Usage | undefined {
  const { models, source, ...counts } = fieldsOf(value);
  const { input_tokens, output_tokens, cached_tokens } = counts;
  if (!isCount(input_tokens) || !isCount(output_tokens) || !isCount(cached_tokens)) return undefined;
  if (!Array.isArray(models) || typeof source !== 'string') return undefined;
  const names = models.filter((name) => typeof name === 'string').slice(0, MODELS);
  return {
    models: names.map(modelName),
    ...{ input_tokens, output_tokens, cached_tokens },
    source: modelName(source),
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
