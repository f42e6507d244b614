import { builtIn } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import type { StartParams } from '../../operations/agents.ts';

const WORD_CHARS = 80;

/**
 * What follows our own arguments on an agent's command line: the model, then what its user adds.
 * @throws MamError `bad_input` for an argument that would undo what mam needs, or a model that can't be passed on
 */
export function addedArgs({ agent, model, model_args, more_args: args = [] }: StartParams): string[] {
  const start = builtIn(agent)?.start;
  const [refused] = start?.refusedArgs.exec(args.join('\n')) ?? [];
  if (refused !== undefined) {
    const word = cleanLine(refused.replaceAll('\n', ' '), WORD_CHARS);
    throw new MamError(
      'bad_input',
      `mam can't start ${agent} with the argument ${word}: it would disable mam's server or hooks, lose the order, or hide the input box.`,
      'Leave it out, or start the program in a tmux session yourself.',
    );
  }
  if (model === undefined) return args;
  const form = model_args ?? start?.modelArgs;
  if (form === undefined) {
    throw new MamError(
      'bad_input',
      `mam does not know how to give agent kind ${agent} a model.`,
      `Set agents.${agent}.model_args in MAM_HOME/config.json, such as ["--model", "{model}"].`,
    );
  }
  return [...form.map((word) => word.replaceAll('{model}', () => model)), ...args];
}

/** @throws MamError `bad_input` for a variable that would switch off what mam needs */
export function checkAddedEnv({ agent, more_env: env = {} }: StartParams): void {
  const refused = builtIn(agent)?.start?.refusedEnv.find((name) => Object.hasOwn(env, name));
  if (refused !== undefined) throw refusedVariable(agent, refused);
}

export function refusedVariable(agent: string, name: string): MamError {
  return new MamError(
    'bad_input',
    `${name} can't be set for ${agent}: mam sets it itself, or it would switch off mam's server or hooks.`,
    'Leave it out, or start the program in a tmux session yourself.',
  );
}
