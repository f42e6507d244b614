import { resolveKind } from '../agents/index.ts';
import { MamError } from '../base/errors.ts';
import { defaultsOf, flag } from '../base/fields.ts';
import { pidNamespace } from '../base/process-id.ts';
import { ancestors } from '../base/processes.ts';
import type { Requests } from '../boards/terminal/main.ts';
import { spoolPrompt } from '../bus/spool/spool.ts';
import { doneClaim } from '../job/claim.ts';
import { agentPlace, start, startParams } from '../operations/agents.ts';
import { addressOf } from '../operations/host-address.ts';
import type { Settings } from '../settings/config.ts';
import { askerSettings } from '../settings/program.ts';
import { defineCommand } from './core/command.ts';
import { EXIT, exitCodeOfSignal } from './core/exit.ts';
import { isBoardPossible, isColoured } from './core/output.ts';
import { commandSettings } from './core/settings.ts';
import { options as jobOptions, paramsOf, paramsThere } from './jobs/submit-request.ts';
import { withLink } from './jobs/with-hub.ts';

export default defineCommand({
  about: [
    "Shows a live board in the terminal: every job of the registry, those that need you first, and the selected one's " +
      'prompt, events and screen. Its keys attach to a job, answer it, allow, deny and cancel, show its log and what it ' +
      'changed, delegate a new job and start an agent; ? lists them.',
    'Leaving it changes nothing: the jobs go on.',
  ],
  options: { open: flag('start with the open jobs only') },
  json: 'Not available: the board is for people. Scripts use `mam list --json` and `mam wait --json`',
  exits: { done: 'you left the board' },
  examples: ['mam watch', 'mam watch --open'],

  async run({ options, registryDir, json }) {
    if (json || !isBoardPossible())
      throw new MamError(
        json ? 'bad_input' : 'unavailable',
        'The board needs a terminal for its keys and its screen.',
        'Use `mam list` to see the jobs and `mam wait` to wait for them; both take --json.',
      );
    const settings = await commandSettings(registryDir);
    const signal = await withLink(settings, async (link) => {
      // Only this command loads what draws a board.
      const { watch } = await import('../boards/terminal/main.ts');
      return watch({
        link,
        host: settings.host,
        registryDir: settings.registryDir,
        standpoint: { ...settings, inside: settings.paneSocket },
        coloured: isColoured(),
        which: options.open ? 'open' : 'all',
        cwd: settings.cwd,
        place: agentPlace(settings),
        requests: requestsOf(settings),
      });
    });
    return signal === undefined ? EXIT.done : exitCodeOfSignal(signal);
  },
});

/** What the board asks of the hub, composed as `mam submit`, `mam start` and `mam done` do. */
function requestsOf(settings: Settings): Requests {
  const { pane, paneSocket: socket, cwd } = settings;
  return {
    delegate: async ({ prompt, agent, session: address, start: isStarted }) => {
      const { host, session } = addressOf({ session: address }, settings);
      const chosen = { ...defaultsOf(jobOptions), agent, agent_session: session, start: isStarted };
      if (host !== undefined)
        return {
          there: await spoolPrompt(settings.home, paramsThere({ ...chosen, host }, prompt, settings)),
        };
      const params = paramsOf(chosen, prompt, resolveKind(agent, settings), settings);
      return { here: await spoolPrompt(settings.home, params) };
    },
    start: (agent) =>
      startParams(defaultsOf(start.fields), resolveKind(agent, settings), cwd, askerSettings(settings)),
    done: (jobId, outcome) =>
      doneClaim(jobId, outcome, { pane, socket, pids: ancestors(), ns: pidNamespace() }),
  };
}
