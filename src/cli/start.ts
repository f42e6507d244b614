import { resolve } from 'node:path';
import { resolveKind } from '../agents/index.ts';
import { mamProgram, peerEnvironment } from '../config.ts';
import { MamError } from '../errors.ts';
import { withHub } from './ask.ts';
import { print, runWith, textOf, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';

const usage: Usage = {
  synopsis: 'start KIND [--name NAME] [--workdir DIR] [--resume]',
  text: [
    'Starts an agent in a tmux session of its own, ready for jobs; nothing of your own configuration is changed.',
    '',
    '  KIND           claude-code, codex, gemini, opencode, or one of your configuration',
    '  --name NAME    of the session; without it the usual one of the kind',
    '  --workdir DIR  the folder that it works in; without it this one',
    '  --resume       take up its last conversation in that folder',
    '',
    'Exit code 0: ready; 4: a person has to look into the session first; 69: the program is missing or ended at once.',
    'Example: mam start codex --name reviewer',
  ].join('\n'),
  options: { name: { type: 'string' }, workdir: { type: 'string' }, resume: { type: 'boolean' } },
  positionals: true,
};

/** An agent may take 45 s to become ready. */
const START_MS = 55_000;

/** `mam start` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values, words) => {
    const [agent, ...more] = words;
    if (agent === undefined || more.length > 0)
      throw new MamError('bad_input', 'Name one agent kind.', `Usage: mam ${usage.synopsis}`);
    return withHub(textOf(values, 'registry-dir'), async ({ settings, ask }) => {
      const kind = resolveKind(agent, settings.agents);
      const started = await ask(
        'start',
        {
          agent,
          name: textOf(values, 'name') ?? kind.defaultSession?.replace(/^tmux:/, ''),
          workdir: resolve(textOf(values, 'workdir') ?? '.'),
          resume: values['resume'] === true,
          terminal: kind.terminal,
          mam: mamProgram(),
          server_env: peerEnvironment(settings),
          tmux_socket: settings.tmuxSocket,
          path: settings.path,
        },
        START_MS,
      );
      const { session, ready, waits_for: waits } = started;
      if (values['json'] === true) print(JSON.stringify(started));
      else {
        print(`${agent} ${ready ? 'is ready' : 'is not ready'} in tmux:${session.session}`);
        if (waits !== undefined) process.stderr.write(`mam: ${waits}\n`);
        print(`attach: tmux -S ${session.socket} attach -t '=${session.session}'`);
      }
      return ready ? EXIT.done : EXIT.attention;
    });
  });
}
