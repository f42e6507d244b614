import { builtIn, isTrusted, layersOf, screenOf } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { orElse } from '../../base/or-else.ts';
import type { JobOrder } from '../../job/record.ts';
import type { DelegateParams } from '../../operations/delegate.ts';
import { shellRisk } from '../../tmux/deliver.ts';
import { findPane } from '../../tmux/pane.ts';
import { foreground } from '../../tmux/process.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import { agentIn } from '../panes/pane-agent.ts';
import { pidsOf } from '../panes/pane-owners.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';

const INSTEAD = 'Leave `notify` out, and wait with wait_job (`mam wait`).';

/**
 * Where a supervisor is notified of its job: the delegating agent, in its own pane. Found once, when the job is delegated,
 * without changing anything.
 * @returns undefined when it does not ask for that
 * @throws MamError `bad_input` or `refused` when typing a line there would be a risk
 */
export async function wakeTarget(
  { servers, dispatcher }: { servers: TmuxServers; dispatcher: Dispatcher },
  { notify, supervisor, origin }: Pick<DelegateParams, 'notify' | 'supervisor' | 'origin'>,
): Promise<JobOrder['notify']> {
  if (notify === undefined) return undefined;
  const { pane: own, socket } = supervisor;
  if (own === undefined || socket === undefined) {
    throw new MamError(
      'bad_input',
      'As far as this server can see, you are not running in a tmux pane: there is no input line to type into.',
      `${INSTEAD} If you do run in one: your client must pass TMUX and TMUX_PANE on to this server (\`mam install\` sees to it), and start it in the pane, not in a background process that several panes share.`,
    );
  }
  const { pane } = await findPane(servers.get(socket), own);
  const process = foreground(pane);
  if (process === undefined || !pidsOf(origin).includes(process.pid)) {
    const what = `The program in the foreground of pane ${own} is not the one that delegates.`;
    throw new MamError('refused', what, INSTEAD);
  }
  const [job] = dispatcher.ahead(socket, own);
  const { configured = {} } = notify;
  const agent = agentIn(pane, { job, configured });
  const said = orElse(() => layersOf(pane.profile ?? agent ?? '', configured), undefined);
  const typing = said === undefined || said.layers.length === 0 ? job?.record.typing : said.own;
  if (agent === undefined || screenOf(agent, typing).ready === undefined) {
    throw new MamError(
      'refused',
      `What runs in pane ${own} is ${agent === undefined ? 'of no known agent kind' : `of kind ${agent}, which has no ready pattern`}: mam cannot see whether it is idle.`,
      `${INSTEAD} Or define a kind with your session and a "ready" pattern under "agents" in MAM_HOME/config.json.`,
    );
  }
  const look = { isAgent: builtIn(agent)?.isProcess, isTrusted: isTrusted(typing) };
  const risk = shellRisk({ pane_pid: pane.pane_pid, agent: process }, look);
  if (risk !== undefined) {
    const what = `A shell might run a line that is typed into pane ${own}: ${risk}.`;
    throw new MamError('refused', what, INSTEAD);
  }
  const { ready, busy, dialog, draft } = typing ?? {};
  return {
    pane: own,
    socket,
    agent,
    process: { ...process, pane_pid: pane.pane_pid },
    typing: { ready, busy, dialog, draft },
  };
}
