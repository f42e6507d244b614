import { cleanAll, grouped } from '../../base/text.ts';
import { agentWords } from '../../job/agent-words.ts';
import type { JobRow } from '../../job/row.ts';
import { addUsage } from '../../job/usage.ts';
import type { Usage } from '../../job/usage-schema.ts';
import { modelsText } from '../../view/usage.ts';
import { tableText } from '../core/table.ts';
import { stateCell } from './job-text.ts';

/** What the jobs of one agent kind with the same models have used together. */
export interface UsageSum extends Omit<Usage, 'source'> {
  agent: string;
  /** How many jobs; of those that are unknown, nothing else is. */
  jobs: number;
}

/** The sums by agent kind and models, the largest first, and how many jobs' usage is not known. */
export function usageSums(rows: readonly JobRow[]): { sums: UsageSum[]; unknown: number } {
  const all = new Map<string, UsageSum>();
  for (const { agent, usage } of rows) {
    if (usage === undefined) continue;
    const key = JSON.stringify([agent, usage.models]);
    const before = all.get(key);
    const { source: _, ...total } = before === undefined ? usage : addUsage({ ...before, source: '' }, usage);
    all.set(key, { ...total, agent, jobs: (before?.jobs ?? 0) + 1 });
  }
  const tokens = (sum: UsageSum) => sum.input_tokens + sum.output_tokens;
  const sums = [...all.values()].sort((a, b) => tokens(b) - tokens(a));
  return { sums: cleanAll(sums), unknown: rows.filter(({ usage }) => usage === undefined).length };
}

const TOKENS = ['IN', 'CACHED', 'OUT'];

/**
 * Jobs with what each has used: on a terminal a table, elsewhere a line for each job, with tabs between id, status, agent,
 * tokens in, cached ones among them, tokens out, and models. What is not known is empty.
 */
export function usageText(rows: readonly JobRow[]): string {
  return tableText(
    ['JOB', 'STATUS', 'AGENT', ...TOKENS, 'MODEL'],
    rows.map((row) => [row.job_id, stateCell(row), agentWords(row), ...cellsOf(row.usage)]),
  );
}

/** The sums as a table. */
export function sumsText(sums: readonly UsageSum[]): string {
  return tableText(
    ['AGENT', 'JOBS', ...TOKENS, 'MODEL'],
    sums.map((sum) => [sum.agent, grouped(sum.jobs), ...cellsOf(sum)]),
  );
}

function cellsOf(usage: Omit<Usage, 'source'> | undefined): string[] {
  if (usage === undefined) return ['', '', '', ''];
  const { input_tokens, cached_tokens, output_tokens } = usage;
  return [...[input_tokens, cached_tokens, output_tokens].map(String), modelsText(usage)];
}
