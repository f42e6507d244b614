import { builtIn } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { findProgram } from '../../base/find-program.ts';
import { shellWord } from '../../base/shell.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import { programOf } from '../sessions/agent-program.ts';

/** The error for a session that is missing, with the ways to have it started, or what that needs. */
export function withStartHint(
  error: MamError,
  { agent, terminal, agent_session: address, path }: DelegateParams,
): MamError {
  const name = address?.replace(/^tmux:/, '');
  const program = programOf(agent, terminal);
  const pane = /%\d+$|[:.]/.test(name ?? '');
  if (pane || program === undefined) return error;
  const { code, message, hint } = error;
  if (findProgram(program, path) === undefined) {
    const install = builtIn(agent)?.start?.install ?? 'Install it.';
    const needed = `To have it started, ${program} must be on the PATH. ${install}`;
    return new MamError(code, message, `${hint} ${needed}`);
  }
  const named =
    name === undefined || name === builtIn(agent)?.defaultSession ? '' : ` --name ${shellWord(name)}`;
  const ways = `with \`start\` true (\`--start\` in a shell), or by \`mam start ${agent}${named}\``;
  return new MamError(code, message, `${hint} Or let it be started: ${ways}.`);
}
