import { readlinkSync } from 'node:fs';
import { sep } from 'node:path';
import { orElse } from '../../base/or-else.ts';
import { realPlace } from '../../base/real-place.ts';
import { shellWord } from '../../base/shell.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import { currentFolder } from '../../tmux/commands.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { programOf } from '../sessions/agent-program.ts';
import type { Place } from './place.ts';

/**
 * The warning for a job whose agent runs in another folder than the job's, where it can be known. An agent that runs in a
 * folder above works in the job's folder as well. A pane that leads elsewhere (`trust_pane`) says nothing.
 */
export async function otherFolder(
  servers: TmuxServers,
  { agent, profile, terminal, workdir, trust_pane: leadsAway }: DelegateParams,
  place: Pick<Place, 'session' | 'process'> | undefined,
): Promise<string[]> {
  if (place === undefined || leadsAway === true) return [];
  const { session, process } = place;
  const server = servers.get(session.socket);
  const seen = server.seesProcesses
    ? orElse(() => readlinkSync(`/proc/${process.pid}/cwd`), undefined)
    : undefined;
  const folder = seen ?? (await currentFolder(server, session.pane).catch(() => undefined));
  if (folder === undefined || !folder.startsWith(sep)) return [];
  const [here, wanted] = [realPlace(folder), realPlace(workdir)];
  if (wanted === here || wanted.startsWith(here === sep ? sep : here + sep)) return [];
  const start = `\`mam start ${shellWord(profile ?? agent)} --name NAME --workdir ${shellWord(workdir)}\``;
  const how =
    programOf(agent, terminal) === undefined
      ? 'start it there'
      : `start one there with start_agent (${start})`;
  return [
    `The agent in tmux:${session.session} runs in ${folder}, not in the job's working folder ${workdir}. It is told where to work, but its permissions and settings are those of the folder in which it runs. Set workdir (\`--workdir\`) to that folder, or ${how}.`,
  ];
}
