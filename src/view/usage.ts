import { shellWord } from '../base/shell.ts';
import { cleanLine, grouped } from '../base/text.ts';
import type { JobRecord } from '../job/record.ts';
import { spentTokens } from '../job/usage.ts';
import type { Usage } from '../job/usage-schema.ts';

const MODEL_CHARS = 60;
/** More models than fit in a line. */
const MODELS = 3;

/** What was used, in one line: `12,300 tokens (10,100 in, 8,000 of them cached; 2,200 out) by gpt-5`. */
export function usageLine(usage: Usage | undefined): string | undefined {
  if (usage === undefined) return undefined;
  const { input_tokens: read, output_tokens: written, cached_tokens: cached } = usage;
  const of = cached === 0 ? '' : `, ${grouped(cached)} of them cached`;
  const by = modelsText(usage);
  return `${grouped(read + written)} tokens (${grouped(read)} in${of}; ${grouped(written)} out)${by === '' ? '' : ` by ${by}`}`;
}

/** The models that an agent has named, in one line. */
export function modelsText({ models }: Pick<Usage, 'models'>): string {
  const named = models.slice(0, MODELS).map((name) => cleanLine(name, MODEL_CHARS));
  return models.length > MODELS ? `${named.join(', ')} and ${models.length - MODELS} more` : named.join(', ');
}

/** The same with the budget of the job, if it has one. */
export function usageOfJob({ usage, max_tokens: most }: Pick<JobRecord, 'usage' | 'max_tokens'>) {
  const line = usageLine(usage);
  if (most === undefined) return line;
  const spent = usage === undefined ? 'unknown' : grouped(spentTokens(usage));
  const budget = `max_tokens ${grouped(most)}, ${spent} of them used`;
  return line === undefined ? budget : `${line}; ${budget}`;
}

/** True for a job whose agent is gone and whose conversation can be opened again on this machine. */
export function canBeResumed({ reason, status, conversation, home }: JobRecord): boolean {
  return status === 'failed' && reason === 'session_lost' && conversation !== undefined && home === undefined;
}

/** What is started to open a job's conversation again: its profile, or the kind that has it. */
export function resumedAgent({ agent, profile, conversation }: JobRecord): string {
  return profile ?? conversation?.agent ?? agent;
}

/** The shell command that opens a job's conversation again. */
export function resumeCommand(record: JobRecord): string {
  return `mam start ${shellWord(resumedAgent(record))} --resume ${record.job_id}`;
}
