import { addressAt, type StopResult, stop, stopView } from '../operations/agents.ts';
import { addressOf } from '../operations/host-address.ts';
import { ELSEWHERE_MS } from '../operations/request.ts';
import { defineCommand } from './core/command.ts';
import { printAnswer } from './core/output.ts';
import { withHub } from './jobs/with-hub.ts';

export default defineCommand({
  about: [
    'Ends an agent session that mam started; one that someone else started, or that has an open job, is left alone.',
  ],
  words: [{ name: 'NAME', about: 'name of the tmux session', needed: true, completes: 'started' }],
  options: { host: stop.fields.host },
  json: { tool: 'stop_agent' },
  exits: { done: 'it has ended' },
  examples: ['mam stop codex', 'mam stop codex@hostb'],

  run: ({ words: [typed = ''], options, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const { host, session: name = typed } = addressOf(
        { host: options.host, session: typed },
        settings,
        'NAME',
      );
      const stopped =
        host === undefined
          ? await ask('stop', { name, tmux_socket: settings.tmuxSocket })
          : ((await ask(
              'ask_host',
              { host, command: 'stop', params: { name } },
              ELSEWHERE_MS,
            )) as unknown as StopResult);
      const { session } = stopped.session;
      const on = host === undefined ? '' : ` --host ${host}`;
      const next = `mam start KIND --name ${session}${on} --resume`;
      return printAnswer(json, { ...stopView(stopped, host), next }, `ended: ${addressAt(host, session)}`);
    }),
});
