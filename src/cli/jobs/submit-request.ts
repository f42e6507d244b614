import { resolve } from 'node:path';
import type { KnownKind } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { pidNamespace } from '../../base/process-id.ts';
import { ancestors } from '../../base/processes.ts';
import { DEFAULTS, delegateParams } from '../../operations/delegation.ts';
import { type Settings, sessionOf } from '../../settings/config.ts';
import { peerEnvironment, sessionEnvironment } from '../../settings/environment.ts';
import { mamCommand, mamProgram } from '../../settings/program.ts';
import { readText } from '../core/read-text.ts';
import type { Chosen } from './submit-options.ts';

/** The request of the hub for what the command line says. */
export function paramsOf(
  chosen: Chosen,
  prompt: string,
  kind: KnownKind,
  session: string | undefined,
  settings: Settings,
) {
  const { pane, paneSocket: socket } = settings;
  const pids = [process.pid, ...ancestors()];
  return delegateParams(
    {
      prompt,
      agent: kind.name,
      agent_session: session,
      trust_pane: chosen['trust-pane'],
      workdir: resolve(settings.cwd, chosen.workdir ?? '.'),
      timeout_seconds: chosen.timeout ?? DEFAULTS.timeoutSeconds,
      idle_timeout_seconds: chosen['idle-timeout'] ?? DEFAULTS.idleTimeoutSeconds,
      validate: chosen.validate === undefined ? undefined : resolve(settings.cwd, chosen.validate),
      validate_rounds: chosen['validate-rounds'] ?? 0,
      validate_timeout_seconds: chosen['validate-timeout'],
      start: chosen.start,
      notify: chosen.notify === 'pane',
      on_busy: chosen['on-busy'] === 'refuse' ? 'refuse' : 'queue',
      request_key: chosen['request-key'],
    },
    {
      ...settings,
      mamCommand: mamCommand(settings),
      mamProgram: mamProgram(),
      peerEnvironment: peerEnvironment(settings),
      sessionEnvironment: sessionEnvironment(),
    },
    {
      terminal: kind.terminal,
      supervisor: {
        client: 'cli',
        session: sessionOf(settings),
        pane,
        socket,
        place: settings.place,
      },
      origin: { pane, socket, pids, ns: pidNamespace() },
    },
  );
}

/** The task. @throws MamError `bad_input` when it is not given exactly once, or its file can't be read */
export async function promptOf(chosen: Chosen, words: string[]): Promise<string> {
  const file = chosen['prompt-file'];
  const given = [chosen.prompt, file, words.length > 0 ? words.join(' ') : undefined].filter(
    (one) => one !== undefined,
  );
  const [text, ...more] = given;
  if (text === undefined)
    throw new MamError('bad_input', 'There is no task.', 'Give --prompt TEXT or --prompt-file FILE.');
  if (more.length > 0)
    throw new MamError('bad_input', 'The task is given twice.', 'Give --prompt TEXT or --prompt-file FILE.');
  if (file === undefined) return text;
  return readText(file, '--prompt-file', 'The task is kept byte for byte: convert it first.');
}
