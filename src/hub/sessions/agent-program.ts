import { builtIn, human } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { findProgram } from '../../base/find-program.ts';
import type { StartParams, TerminalSettings } from '../../operations/agents.ts';

/** The program that starts an agent kind, as configured or built in, if known. */
export function programOf(agent: string, own: TerminalSettings | undefined): string | undefined {
  return own?.command?.[0] ?? builtIn(agent)?.start?.program;
}

/**
 * The path of the program that starts an agent.
 * @throws MamError `unavailable` when it is missing, `bad_input` for a kind that can't be started
 */
export function neededProgram({ agent, terminal, path, more_env: env }: StartParams): string {
  const start = builtIn(agent)?.start;
  const name = programOf(agent, terminal);
  if (name === undefined && agent === human.name)
    throw new MamError(
      'bad_input',
      'A person cannot be started.',
      'Delegate with agent "human"; the person reports with mam done.',
    );
  if (name === undefined) {
    throw new MamError(
      'bad_input',
      `It is not known how agent kind ${agent} is started.`,
      builtIn(agent) === undefined
        ? `Start it in a tmux session yourself, or set agents.${agent}.command in MAM_HOME/config.json.`
        : 'Start the program in a tmux session yourself, or define your own kind for it: agents.NAME in MAM_HOME/config.json, with command and session.',
    );
  }
  const program = findProgram(name, env?.['PATH'] ?? path);
  if (program === undefined) {
    throw new MamError(
      'unavailable',
      `The program ${name} of agent kind ${agent} was not found on the PATH.`,
      start?.install ?? 'Install it.',
    );
  }
  return program;
}
