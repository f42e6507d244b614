import { record, string } from '../hooks/hook-report.ts';
import { type TranscriptFormat, tokens } from './usage-reader.ts';

/**
 * Gemini CLI 0.61.0: JSON lines. An answer is written again, with the same id, when its tools have run. `input` contains
 * what came from a cache, `output` not what the model has thought.
 */
export const transcript: TranscriptFormat = {
  source: 'transcript',
  marks: ['"type":"gemini"'],
  take({ type, id, model, tokens: said }, sums) {
    if (type !== 'gemini' || typeof said !== 'object' || said === null) return;
    const used = record(said);
    sums.add(string(id), string(model), {
      input: tokens(used['input']) + tokens(used['tool']),
      output: tokens(used['output']) + tokens(used['thoughts']),
      cached: tokens(used['cached']),
    });
  },
};
