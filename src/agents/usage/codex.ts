import { record, string } from '../hooks/hook-report.ts';
import { type Line, type Sums, type Tokens, type TranscriptFormat, tokens } from './usage-reader.ts';

/**
 * Codex 0.171.0: JSON lines. Each answer has a line with what it has used. Earlier versions write only the total of the
 * whole conversation and what the last request has used, after the tools have run and whenever they hear of their limits.
 * The model is in the line that begins each turn, before the prompt. Subagents have files of their own, which are not read.
 */
export const transcript: TranscriptFormat = {
  source: 'transcript',
  marks: ['"token_usage_record"', '"token_count"', '"turn_context"'],
  take({ type, payload }, sums) {
    const said = record(payload);
    if (type === 'turn_context') sums.model = string(said['model']) ?? sums.model;
    else if (type === 'token_usage_record') {
      sums.hasAnswers = true;
      sums.add(string(said['response_id']), sums.model, tokensOf(record(said['usage'])));
    } else if (type === 'event_msg' && said['type'] === 'token_count' && !sums.hasAnswers) {
      takeTotal(record(said['info']), sums);
    }
  },
};

function takeTotal(info: Line, sums: Sums): void {
  if (typeof info['total_token_usage'] !== 'object') return;
  const total = tokensOf(record(info['total_token_usage']));
  const last = tokensOf(record(info['last_token_usage']));
  // A total that has shrunk was begun anew.
  const before =
    sums.reached !== undefined && isWithin(sums.reached, total) ? sums.reached : less(total, last);
  sums.reached = total;
  const used = less(total, before);
  if (used.input + used.output > 0) sums.add(undefined, sums.model, used);
}

function tokensOf(usage: Line): Tokens {
  return {
    input: tokens(usage['input_tokens']),
    output: tokens(usage['output_tokens']),
    cached: tokens(usage['cached_input_tokens']),
  };
}

function isWithin(one: Tokens, other: Tokens): boolean {
  return one.input <= other.input && one.output <= other.output && one.cached <= other.cached;
}

function less(one: Tokens, other: Tokens): Tokens {
  return {
    input: Math.max(0, one.input - other.input),
    output: Math.max(0, one.output - other.output),
    cached: Math.max(0, one.cached - other.cached),
  };
}
