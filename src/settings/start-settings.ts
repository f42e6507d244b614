import { realpathSync } from 'node:fs';
import { isVariableName, parseEnvFile } from '../base/env-file.ts';
import { MamError } from '../base/errors.ts';
import { readForeign, whyUnread } from '../trust/files.ts';
import type { AgentConfig } from './agent-config.ts';

/** The variables and arguments of one start share a request of 64 KiB with everything else. */
const MAX_BYTES = 16 * 1024;
/** Which hub, session and pane an agent belongs to. */
const OURS = /^(?:MAM_.*|TMUX|TMUX_PANE)$/;

/** What a person or the configuration adds to the start of an agent. */
export interface StartWishes {
  env?: Record<string, string> | undefined;
  args?: string[] | undefined;
  model?: string | undefined;
}

/** The same, as it is sent. Absent when nothing is added. */
export interface StartExtras {
  more_env?: Record<string, string> | undefined;
  more_args?: string[] | undefined;
  model?: string | undefined;
  model_args?: string[] | undefined;
}

/**
 * What is added to the start of an agent: what the configuration says, then what the person says. Reads the
 * configuration's `env_file`, as the user.
 * @param layers what the configuration says: that of a profile after that of the kind it extends
 * @throws MamError `bad_input` for a file that can't be read, a name that can't be set, or too much of it
 */
export function startExtras(layers: readonly AgentConfig[], asked: StartWishes = {}): StartExtras {
  const configured = layers.flatMap((own) => [fileOf(own), own.env]);
  const env: Record<string, string> = Object.assign({}, ...configured, asked.env);
  const args = [...layers.flatMap((own) => own.args ?? []), ...(asked.args ?? [])];
  for (const [name, value] of Object.entries(env)) checkVariable(name, value);
  if (args.some((word) => word.includes('\0')))
    throw new MamError('bad_input', 'An argument of the agent has a NUL character.', 'Leave it out.');
  if (Buffer.byteLength(JSON.stringify([env, args])) > MAX_BYTES) {
    const what = `The variables and arguments of the agent are longer than ${MAX_BYTES / 1024} KiB.`;
    throw new MamError(
      'bad_input',
      what,
      'Set fewer of them, or let a script of your own set them: command.',
    );
  }
  const model = asked.model ?? layers.findLast((own) => own.model !== undefined)?.model;
  const modelArgs = layers.findLast((own) => own.model_args !== undefined)?.model_args;
  return {
    ...(Object.keys(env).length > 0 && { more_env: env }),
    ...(args.length > 0 && { more_args: args }),
    ...(model !== undefined && { model, model_args: modelArgs }),
  };
}

function fileOf({ env_file: path }: AgentConfig): Record<string, string> {
  if (path === undefined) return {};
  let text: string;
  try {
    // The user's own link is followed; opening a pipe in its place would block.
    text = readForeign(realpathSync(path), MAX_BYTES);
  } catch (error) {
    const what = `The env_file ${path} of the configuration is not used: ${whyUnread(error)}.`;
    throw new MamError('bad_input', what, 'Correct agents.KIND.env_file in config.json.', { cause: error });
  }
  return parseEnvFile(path, text);
}

function checkVariable(name: string, value: string): void {
  if (!isVariableName(name)) {
    const hint = 'Use letters, digits and _, such as API_KEY.';
    throw new MamError('bad_input', 'A variable of the agent has a name that can not be set.', hint);
  }
  if (OURS.test(name)) {
    const what = `${name} can't be set for an agent: it says to which hub and pane the agent belongs.`;
    throw new MamError('bad_input', what, 'Leave it out.');
  }
  if (value.includes('\0'))
    throw new MamError('bad_input', `The value of ${name} has a NUL character.`, 'Leave it out.');
}
