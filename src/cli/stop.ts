import { MamError } from '../errors.ts';
import { withHub } from './ask.ts';
import { print, runWith, textOf, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';

const usage: Usage = {
  synopsis: 'stop NAME',
  text: [
    'Ends an agent session that mam started; one that somebody else started, or that has an open job, is left alone.',
    '',
    'Example: mam stop codex',
  ].join('\n'),
  options: {},
  positionals: true,
};

/** `mam stop` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values, words) => {
    const [name, ...more] = words;
    if (name === undefined || more.length > 0)
      throw new MamError('bad_input', 'Name one session.', `Usage: mam ${usage.synopsis}`);
    return withHub(textOf(values, 'registry-dir'), async ({ settings, ask }) => {
      const { session } = await ask('stop', { name, tmux_socket: settings.tmuxSocket });
      print(
        values['json'] === true
          ? JSON.stringify({ session, stopped: true })
          : `ended: tmux:${session.session}`,
      );
      return EXIT.done;
    });
  });
}
