import { stopView } from '../operations/agents.ts';
import { defineCommand } from './core/command.ts';
import { printAnswer } from './core/output.ts';
import { withHub } from './jobs/with-hub.ts';

export default defineCommand({
  about: [
    'Ends an agent session that mam started; one that someone else started, or that has an open job, is left alone.',
  ],
  words: [{ name: 'NAME', about: 'name of the tmux session', needed: true, completes: 'started' }],
  options: {},
  json: { tool: 'stop_agent' },
  exits: { done: 'it has ended' },
  examples: ['mam stop codex'],

  run: ({ words: [name = ''], registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const stopped = await ask('stop', { name, tmux_socket: settings.tmuxSocket });
      const { session } = stopped.session;
      const next = `mam start KIND --name ${session} --resume`;
      return printAnswer(json, { ...stopView(stopped), next }, `ended: tmux:${session}`);
    }),
});
