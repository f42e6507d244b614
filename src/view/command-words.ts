import { optionName } from '../base/fields.ts';

/** The command for each tool: the hub's sentences name tools, and serve commands as well. */
export const COMMANDS: Readonly<Record<string, string>> = {
  delegate_job: 'submit',
  wait_job: 'wait',
  answer_job: 'answer',
  job_status: 'status',
  list_jobs: 'list',
  job_logs: 'logs',
  verify_job: 'verify',
  cancel_job: 'cancel',
  list_agents: 'agents',
  start_agent: 'start',
  stop_agent: 'stop',
  publish_event: 'publish',
};

const TOOL = new RegExp(`\\b(${Object.keys(COMMANDS).join('|')})\\b`, 'g');
/** Parameters that are options on the command line. */
const PARAMETER =
  /\b((?:job|request)_id|agent_session|trust_pane|request_key|on_busy|dry_run|[a-z_]+(?= must be (?:from )?\d)|(?<=Try )[a-z_]+(?= \d))\b:?(?: "([^"\s]+)")?/g;

/** Rewrites a sentence of the hub for the command line. */
export function commandWords(text: string): string {
  return (
    text
      // What a tool expects: its help says that in the words of options.
      .replace(/ Expected: .*? Correct it and retry\.$/s, '')
      // If the hub names both, keep the one for a shell.
      .replace(/\b(?:[a-z]+_[a-z]+ and )?decision "(?:allow|deny)" \((`mam [^`]+`)\)/g, '$1')
      .replace(/\b[a-z]+_[a-z]+ \((`mam [^`]+`)\)/g, '$1')
      .replace(/`?\b[a-z_]+`?(?: true)? \((`--[^`]+`)(?: in a shell)?\)/g, '$1')
      .replace(/\bpublish_event, event (\w+)/g, '`mam publish --event $1`')
      .replace(TOOL, (_, tool: string) => `\`mam ${COMMANDS[tool]}\``)
      .replace(/\b([Cc])all `mam/g, (_, c: string) => `${c === 'C' ? 'Run' : 'run'} \`mam`)
      .replace(/\bthis request_id\b/g, 'this id')
      .replace(
        PARAMETER,
        (_, name: string, value?: string) => `--${optionName(name)}${value === undefined ? '' : ` ${value}`}`,
      )
      .replace(/\bagent "([\w-]+)"/g, '--agent $1')
      .replace(/`notify`/g, '`--notify`')
  );
}
