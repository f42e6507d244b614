import { resolve } from 'node:path';
import { resolveKind } from '../agents/index.ts';
import { peerEnvironment, sessionEnvironment } from '../settings/environment.ts';
import { mamProgram } from '../settings/program.ts';
import { attachCommand } from '../view/attach.ts';
import { startSummary } from '../view/summary.ts';
import { withHub } from './core/ask.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { note, print, printJson } from './core/output.ts';

/** An agent may take 45 s to become ready. */
const START_MS = 55_000;

export default defineCommand({
  about: [
    'Starts an agent in a tmux session of its own, ready for jobs; nothing of your own configuration is changed.',
  ],
  words: [
    {
      name: 'KIND',
      about: 'claude-code, codex, gemini, opencode, or one of your configuration',
      needed: true,
      completes: 'agent',
    },
  ],
  options: {
    name: { type: 'text', value: 'NAME', about: 'of the session; without it the usual one of the kind' },
    workdir: {
      type: 'text',
      value: 'DIR',
      about: 'the folder that it works in; without it this one',
      completes: 'folder',
    },
    resume: { type: 'flag', about: 'take up its last conversation in that folder' },
  },
  json: { tool: 'start_agent' },
  exits: {
    done: 'ready',
    attention: 'a person has to look into the session first',
  },
  examples: ['mam start codex', 'mam start codex --name reviewer --workdir ../other'],

  run: ({ words: [typed = ''], options: { name, workdir, resume }, registryDir, json }) =>
    withHub(registryDir, async ({ settings, ask }) => {
      const kind = resolveKind(typed, settings);
      const agent = kind.name;
      const started = await ask(
        'start',
        {
          agent,
          name: name ?? kind.defaultSession?.replace(/^tmux:/, ''),
          workdir: resolve(settings.cwd, workdir ?? '.'),
          resume,
          terminal: kind.terminal,
          mam: mamProgram(),
          server_env: peerEnvironment(settings),
          env: sessionEnvironment(),
          tmux_socket: settings.tmuxSocket,
          path: settings.path,
        },
        START_MS,
      );
      const { session, ready, waits_for: waits, not_resumed, out_of_reach: lost, peer_server } = started;
      const target = `tmux:${session.session}`;
      const attach = attachCommand(session, { ...settings, inside: settings.paneSocket });
      if (json) {
        printJson({
          summary: startSummary(agent, target, started),
          agent,
          agent_session: session,
          target,
          attach_command: attach,
          ready,
          waits_for: waits,
          peer_server,
          next: ready ? `mam submit --agent ${agent} --agent-session ${target}` : attach,
        });
      } else {
        print(`${agent} ${ready ? 'is ready' : 'is not ready'} in ${target}`);
        if (waits !== undefined) note(waits);
        if (not_resumed !== undefined) note(`it has begun anew: ${not_resumed}.`);
        if (lost !== undefined) note(lost);
        else print(`attach: ${attach}`);
      }
      return ready ? EXIT.done : EXIT.attention;
    }),
});
