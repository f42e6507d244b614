import { stopView } from '../operations/agents.ts';
import { withHub } from './core/ask.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { print, printJson } from './core/output.ts';

export default defineCommand({
  about: [
    'Ends an agent session that mam started; one that somebody else started, or that has an open job, is left alone.',
  ],
  words: [{ name: 'NAME', about: 'name of the tmux session', needed: true, completes: 'session' }],
  options: {},
  json: { tool: 'stop_agent' },
  exits: { done: 'it has ended' },
  examples: ['mam stop codex'],

  run: ({ words: [name = ''], registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const stopped = await ask('stop', { name, tmux_socket: settings.tmuxSocket });
      if (json) {
        printJson({
          ...stopView(stopped),
          next: `mam start KIND --name ${stopped.session.session} --resume`,
        });
      } else print(`ended: tmux:${stopped.session.session}`);
      return EXIT.done;
    }),
});
