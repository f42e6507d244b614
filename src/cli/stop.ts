import { MamError } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import type { Link } from '../link/link.ts';
import {
  addressAt,
  agentPlace,
  idleStopView,
  type StopResult,
  stop,
  stopView,
} from '../operations/agents.ts';
import { addressOf } from '../operations/host-address.ts';
import { ELSEWHERE_MS } from '../operations/request.ts';
import type { Settings } from '../settings/config.ts';
import { defineCommand } from './core/command.ts';
import { printAnswer } from './core/output.ts';
import { withHub } from './jobs/with-hub.ts';

export default defineCommand({
  synopsis: 'NAME [--host HOST] | --idle',
  about: [
    'Ends an agent session that mam started; one that someone else started, or that has an open job, is left alone.',
    'With --idle: every session that mam started on this tmux server, of any kind, that is idle and has no open job, no ' +
      'attached client, no other pane and no text in its input box. Each one that was left is named with the reason.',
  ],
  words: [{ name: 'NAME', about: 'name of the tmux session', completes: 'started' }],
  options: { host: stop.fields.host, idle: flag('every one that is idle and that nobody uses') },
  json: {
    tool: 'stop_agent',
    also: 'With --idle: `summary`, `stopped`, `left` with the `why` of each, `next`.',
  },
  exits: { done: 'it has ended; with --idle: always' },
  examples: ['mam stop codex', 'mam stop codex@hostb', 'mam stop --idle'],

  run: ({ words: [typed], options, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      if (options.idle) {
        checkAlone(typed, options.host);
        return stopIdle(ask, settings, json);
      }
      if (typed === undefined)
        throw new MamError(
          'bad_input',
          'NAME is missing.',
          'Name a session (`mam agents`), or give --idle for all that nobody uses.',
        );
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

/** @throws MamError `bad_input` for `--idle` with a name or a host */
function checkAlone(name: string | undefined, host: string | undefined): void {
  if (name !== undefined)
    throw new MamError('bad_input', '--idle is about all sessions.', 'Leave out the name, or --idle.');
  if (host !== undefined)
    throw new MamError(
      'bad_input',
      '--idle ends only sessions of this host.',
      `Run \`mam stop --idle\` on ${host}, or name a session there: mam stop NAME --host ${host}.`,
    );
}

async function stopIdle(ask: Link['request'], settings: Settings, json: boolean): Promise<number> {
  const view = idleStopView(await ask('stop_idle', agentPlace(settings)));
  const lines = [
    ...view.stopped.map(({ target }) => `ended: ${target}`),
    ...view.left.map(({ target, why }) => `left:  ${target}: ${why}`),
  ];
  return printAnswer(json, view, lines.length === 0 ? view.summary : lines.join('\n'));
}
