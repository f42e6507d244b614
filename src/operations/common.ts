import { choice, maybe, part, text } from '../base/fields.ts';
import type { Origin } from '../job/claim.ts';
import type { AgentSession } from '../job/record.ts';

/** Who asks for something, as far as a process can prove it. */
export interface Asker {
  /** `clientInfo` of the MCP client, such as `claude-code` or `codex-mcp-client`; `cli` for the command line. */
  clientName: string;
  /** Identity of the client's session: the scope of `request_key` and of the caller's own jobs. */
  session: string;
  /** tmux pane that the client lives in, such as `%3`. */
  pane?: string | undefined;
  /** Absolute path of that pane's tmux socket. */
  socket?: string | undefined;
  /** Identity of that pane: another session in it is the same owner. */
  place?: string | undefined;
  channel?: boolean;
  /** This process and its ancestors, nearest first. */
  pids: number[];
  /** The pid namespace that they count in. */
  ns?: string | undefined;
  cwd: string;
}

/** Where a claim or a request comes from. */
export function originOf({ pane, socket, pids, ns }: Pick<Asker, 'pane' | 'socket' | 'pids' | 'ns'>): Origin {
  return { pane, socket, pids, ns };
}

export const jobId = text('id of the delegated job', {
  completes: 'job',
  typed: 'the job; a unique beginning of its id will do',
});

/** Which job is meant, for the hub: it looks in that registry for one that it does not hold. */
export const inRegistry = { registry_dir: maybe(text('folder of the registry, absolute')) };
export const jobAddress = { job_id: jobId, ...inRegistry };
/** Who decides, and which client session is shown the answer: it need not be told in its pane as well. */
export const by = choice(['supervisor', 'person'], 'who says so');
export const seenBy = { seen_by: maybe(text('the client session that is shown the answer')) };

/** Of the caller's environment: what a validation script runs with. */
export const scriptSurroundings = { path: maybe(text('PATH')), virtual_env: maybe(text('VIRTUAL_ENV')) };

/** In an answer: all fields of the job's record that others may see. */
export const wholeJob = { job: part<never>('job') };
export const agentSession = part<AgentSession>('agent_session');
