import type { AgentRow } from '../job/request.ts';
import { cleanLine } from '../job/text.ts';
import { withHub } from './ask.ts';
import { print, runWith, textOf, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';

const usage: Usage = {
  synopsis: 'agents [--json]',
  text: [
    'Lists the agents that live in tmux panes, with what each is doing, and the agent kinds that could be started.',
    '',
    'Example: mam agents',
  ].join('\n'),
  options: {},
};

const EVIDENCE_CHARS = 60;

/** `mam agents` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, (values) =>
    withHub(textOf(values, 'registry-dir'), async ({ settings, ask }) => {
      const { agents } = await ask('agents', {
        tmux_socket: settings.tmuxSocket,
        path: settings.path,
        configured: settings.agents,
      });
      if (values['json'] === true) print(JSON.stringify({ agents }));
      else print(agents.map(rowText).join('\n'));
      return EXIT.done;
    }),
  );
}

function rowText(row: AgentRow): string {
  const { agent, session, state, evidence, jobs, peer_server: peer, program } = row;
  if (session === undefined) {
    const how = program === undefined ? 'not installed' : `not running; mam start ${agent}`;
    return `${agent.padEnd(12)}  ${'-'.padEnd(20)}  ${how}`;
  }
  const place = `tmux:${session.session} ${session.pane}`;
  const words = evidence === undefined ? '' : `  ${cleanLine(evidence, EVIDENCE_CHARS)}`;
  const server = peer === 'connected' ? '' : '  (no mam server)';
  const held = jobs.length === 0 ? '' : `  job ${jobs.join(', ')}`;
  return `${agent.padEnd(12)}  ${place.padEnd(20)}  ${state ?? 'unknown'}${held}${server}${words}`;
}
