import { shellWord } from '../../base/shell.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { HeldParams } from './held-job.ts';

/**
 * How a person delegates a job once more that was never handed over: where it was to run, and with the check that it had.
 * Time limits are left out: the line is already long.
 * @returns a sentence without its end
 */
export function againWith({ record, paths }: LiveJob, params: HeldParams): string {
  const agent = shellWord(record.profile ?? record.agent);
  const options = optionsOf(params).map(shellWord).join(' ');
  // The file begins with the preamble, which would be put before it once more.
  if (record.preamble !== undefined)
    return `delegate this one again with its own words: they are in ${paths.prompt}, below the preamble (\`mam submit TASK --agent ${agent} ${options}\`)`;
  return `delegate this one again: \`mam submit --prompt-file ${shellWord(paths.prompt)} --agent ${agent} ${options}\``;
}

function optionsOf(params: HeldParams): string[] {
  const { workdir, worktree, base, session, max, keep, agent_session: named, start, fresh } = params;
  const { validate, validate_rounds: rounds } = params;
  const where = session === 'new' ? ['--new', ...given('--max', max), ...(keep ? ['--keep'] : [])] : [];
  if (session !== 'new' && start !== undefined) where.push('--start');
  const branch = typeof worktree === 'string' ? [worktree] : [];
  return [
    ...(session === 'new' ? where : [...given('--agent-session', named), ...where]),
    ...(fresh === true ? ['--fresh'] : []),
    ...(worktree === undefined ? [] : ['--worktree', ...branch]),
    ...given('--base', base),
    ...given('--workdir', workdir),
    ...given('--validate', validate),
    ...(rounds ? given('--validate-rounds', rounds) : []),
  ];
}

function given(option: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [option, String(value)];
}
