import { MamError } from '../../base/errors.ts';
import { flag, maybe, text, type Values } from '../../base/fields.ts';
import { pidNamespace } from '../../base/process-id.ts';
import { ancestors } from '../../base/processes.ts';
import { inQuotes } from '../../base/shell.ts';
import type { KnownKind } from '../../operations/agents.ts';
import type { Asker } from '../../operations/common.ts';
import { delegate, delegateParams } from '../../operations/delegate.ts';
import { delegateToParams } from '../../operations/delegate-to.ts';
import { type Settings, sessionOf } from '../../settings/config.ts';
import { askerSettings } from '../../settings/program.ts';
import { readText } from '../core/read-text.ts';

const { session: _, ...fields } = delegate.fields;
export const options = {
  ...fields,
  new: flag('a fresh session for this job alone; it is ended when the job is done and looked at'),
  prompt: maybe(delegate.fields.prompt),
  prompt_file: maybe(text('file with the task; - reads standard input', { completes: 'file' })),
  no_wait: flag('return when the job has been handed over'),
};

type Chosen = Values<typeof options>;

/** @param kind of an agent of this host */
export function paramsOf(chosen: Chosen, prompt: string, kind: KnownKind, settings: Settings) {
  return delegateParams(askedFor(chosen, prompt), kind, askerOf(settings), askerSettings(settings));
}

/** The request for an agent of another host. @throws MamError as `delegateToParams` */
export function paramsThere(chosen: Chosen & { host: string }, prompt: string, settings: Settings) {
  const asked = { ...askedFor(chosen, prompt), host: chosen.host };
  return delegateToParams(asked, askerOf(settings), askerSettings(settings));
}

function askedFor(chosen: Chosen, prompt: string) {
  const { prompt_file: _, no_wait: __, new: isNew, ...asked } = chosen;
  return { ...asked, session: isNew ? ('new' as const) : undefined, prompt };
}

function askerOf(settings: Settings): Asker {
  const { pane, paneSocket: socket, place, cwd } = settings;
  return {
    ...{ clientName: 'cli', session: sessionOf(settings), pane, socket, place, cwd },
    pids: [process.pid, ...ancestors()],
    ns: pidNamespace(),
  };
}

/** The task. @throws MamError `bad_input` when it is not given exactly once, or its file can't be read */
export async function promptOf(chosen: Chosen, words: string[]): Promise<string> {
  const file = chosen.prompt_file;
  const typed = words.length > 0 ? words.join(' ') : undefined;
  const [text, ...more] = [chosen.prompt, file, typed].filter((one) => one !== undefined);
  if (text === undefined && typeof chosen.worktree === 'string')
    throw new MamError(
      'bad_input',
      `There is no task: ${inQuotes(chosen.worktree)} was taken as the branch.`,
      'Put the task before --worktree, or give it with --prompt TEXT.',
    );
  if (text === undefined)
    throw new MamError('bad_input', 'There is no task.', 'Give --prompt TEXT or --prompt-file FILE.');
  if (more.length > 0)
    throw new MamError('bad_input', 'The task is given twice.', 'Give --prompt TEXT or --prompt-file FILE.');
  if (file === undefined) return text;
  return readText(file, '--prompt-file', 'The task is kept byte for byte: convert the file to UTF-8 first.');
}
