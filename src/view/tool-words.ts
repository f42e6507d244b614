import { COMMANDS } from './command-words.ts';

/** The tool for each command, and the parameter that its first word stands for. */
const TOOLS: Readonly<Record<string, readonly [tool: string, parameter: string]>> = {
  ...Object.fromEntries(Object.entries(COMMANDS).map(([tool, command]) => [command, [tool, 'job_id']])),
  start: ['start_agent', 'agent'],
  stop: ['stop_agent', 'name'],
};
const NAMES = Object.keys(TOOLS).join('|');
const TOOL = `\\b(?:${Object.values(TOOLS)
  .map(([tool]) => tool)
  .join('|')})\\b`;
/** A tool, or a decision of one, with the command for a shell next to it. */
const BOTH = new RegExp(
  `((?:${TOOL}|decision "(?:allow|deny)")(?: with [^()\`]*)?) \\(\`mam [^\`]+\`\\)`,
  'g',
);
const DECISION = /`mam (allow|deny) ([a-z0-9-]+)[^`]*`/g;
const COMMAND = new RegExp(`(\\b[Rr]un )?\`mam (${NAMES})\\b([^\`]*)\``, 'g');

/** Rewrites an error for a model, which has tools and no shell: it names the tool instead of the command. */
export function toolWords(text: string): string {
  return text
    .replace(BOTH, '$1')
    .replace(/ \(`--[^`]+`(?: in a shell)?\)/g, '')
    .replace(DECISION, 'answer_job with job_id "$2" and decision "$1"')
    .replace(COMMAND, (_, run: string | undefined, command: string, rest: string) => {
      const call = callOf(command, rest);
      return run === undefined ? call : `${run.startsWith('R') ? 'Call' : 'call'} ${call}`;
    });
}

function callOf(command: string, rest: string): string {
  const [tool = '', parameter = ''] = TOOLS[command] ?? [];
  const [, value] = /^ ([a-z0-9][\w-]*)/.exec(rest) ?? [];
  const [, name] = / --name (\S+)/.exec(rest) ?? [];
  const given = [value && `${parameter} "${value}"`, name && `name "${name}"`].filter(Boolean);
  return given.length === 0 ? tool : `${tool} with ${given.join(' and ')}`;
}
