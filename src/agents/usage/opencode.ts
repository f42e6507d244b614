import { record, string } from '../hooks/hook-report.ts';
import { type TranscriptFormat, tokens } from './usage-reader.ts';

/**
 * OpenCode 1.18.33 keeps its messages in a database: our plugin writes a line for each answer, those of subagents too.
 * `input` is what no cache had, `output` not what the model has thought.
 */
export const ledger: TranscriptFormat = {
  source: 'plugin',
  marks: ['"tokens"'],
  take({ id, provider, model, tokens: said }, sums) {
    const used = record(said);
    const cache = record(used['cache']);
    const cached = tokens(cache['read']);
    const name = [string(provider), string(model)].filter((part) => part !== undefined).join('/');
    sums.add(string(id), name, {
      input: tokens(used['input']) + tokens(cache['write']) + cached,
      output: tokens(used['output']) + tokens(used['reasoning']),
      cached,
    });
  },
};
