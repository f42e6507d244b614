import { record, string } from '../hooks/hook-report.ts';
import { type TranscriptFormat, tokens } from './usage-reader.ts';

/**
 * Claude Code 2.1.332: JSON lines. An answer has one line for each of its blocks, all with the id and the usage of the
 * whole message. `input_tokens` is what no cache had. Subagents write files of their own, which are not read.
 */
export const transcript: TranscriptFormat = {
  source: 'transcript',
  marks: ['"type":"assistant"'],
  take({ type, message }, sums) {
    const { id, model, usage } = record(message);
    const name = string(model);
    // Written by the program itself, for an error.
    if (type !== 'assistant' || typeof usage !== 'object' || name === '<synthetic>') return;
    const used = record(usage);
    const cached = tokens(used['cache_read_input_tokens']);
    sums.add(string(id), name, {
      input: tokens(used['input_tokens']) + tokens(used['cache_creation_input_tokens']) + cached,
      output: tokens(used['output_tokens']),
      cached,
    });
  },
};
