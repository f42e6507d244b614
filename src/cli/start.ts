import { resolveKind } from '../agents/index.ts';
import { start, startParams, startView } from '../operations/agents.ts';
import { askerSettings } from '../settings/program.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { note, print, printJson } from './core/output.ts';
import { withHub } from './jobs/with-hub.ts';

const { agent: kindField, ...fields } = start.fields;

/** An agent may take 45 s to become ready; in ms. */
const START_MS = 55_000;

export default defineCommand({
  about: ['Starts an agent in its own tmux session, ready for jobs. Your own configuration is not changed.'],
  words: [{ name: 'KIND', about: kindField.about, needed: true, completes: 'startable' }],
  options: fields,
  json: { tool: 'start_agent' },
  exits: { done: 'ready', attention: 'a person must look at the session first' },
  examples: ['mam start codex', 'mam start codex --name reviewer --workdir ../other'],

  run: ({ words: [typed = ''], options, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const kind = resolveKind(typed, settings);
      const { name: agent } = kind;
      const params = startParams(options, kind, settings.cwd, askerSettings(settings));
      const started = await ask('start', params, START_MS);
      const { ready, waits_for: waits, not_resumed, out_of_reach: lost } = started;
      const view = startView(agent, started, { ...settings, inside: settings.paneSocket });
      const { target, attach_command: attach } = view;
      if (json) {
        printJson({
          ...view,
          next: ready ? `mam submit --agent ${agent} --agent-session ${target}` : attach,
        });
      } else {
        print(`${agent} ${ready ? 'is ready' : 'is not ready'} in ${target}`);
        if (waits !== undefined) note(waits);
        if (not_resumed !== undefined) note(`it began a new conversation: ${not_resumed}.`);
        if (lost !== undefined) note(lost);
        else print(`attach: ${attach}`);
      }
      return ready ? EXIT.done : EXIT.attention;
    }),
});
