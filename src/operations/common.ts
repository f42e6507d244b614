import { isAbsolute } from 'node:path';
import { MamError } from '../base/errors.ts';
import { choice, group, list, maybe, number, part, text, truth } from '../base/fields.ts';
import type { Origin } from '../job/claim.ts';
import type { AgentSession } from '../job/record.ts';

/** Who is calling, as far as a process can prove it. */
export interface Asker {
  /** `clientInfo` of the MCP client, such as `claude-code` or `codex-mcp-client`; `cli` for the command line. */
  clientName: string;
  /** Identity of the client's session: the scope of `request_key` and of the caller's own jobs. */
  session: string;
  /** tmux pane that the client runs in, such as `%3`. */
  pane?: string | undefined;
  /** Absolute path of that pane's tmux socket. */
  socket?: string | undefined;
  /** Identity of that pane: another client session in it counts as the same owner. */
  place?: string | undefined;
  channel?: boolean;
  /** This process and its ancestors, nearest first. */
  pids: number[];
  /** The pid namespace of these pids. */
  ns?: string | undefined;
  cwd: string;
}

/** Where a claim or a request comes from. */
export function originOf({ pane, socket, pids, ns }: Pick<Asker, 'pane' | 'socket' | 'pids' | 'ns'>): Origin {
  return { pane, socket, pids, ns };
}

export const jobId = text('id of the delegated job', {
  completes: 'job',
  typed: 'job id, or any unique part of it; open jobs come first',
});

export const host = maybe(
  text('the name of another host', {
    completes: 'host',
    typed: 'another host, as named in `hosts` of config.json; an agent there can also be named SESSION@HOST',
  }),
  '',
);

const pane = { pane: maybe(text()), socket: maybe(text()) };
export const supervisor = group(
  { client: text(), session: text(), ...pane, place: maybe(text()), channel: maybe(truth()) },
  'who asks',
);
export const origin = group(
  { ...pane, pids: maybe(list(number())), ns: maybe(text()) },
  'where the request comes from',
);

/** Where the hub looks for a job that it has not loaded. */
export const inRegistry = { registry_dir: maybe(text('folder of the registry, absolute')) };
export const jobAddress = { job_id: jobId, ...inRegistry };
export const by = choice(['supervisor', 'person'], 'who decides');
/** The client session that is shown the answer, and so needs no notification in its pane. */
export const seenBy = { seen_by: maybe(text('the client session that is shown the answer')) };

/** The part of the caller's environment that a validation script gets. */
export const scriptSurroundings = { path: maybe(text('PATH')), virtual_env: maybe(text('VIRTUAL_ENV')) };

/** In an answer: all public fields of the job's record. */
export const wholeJob = { job: part<never>('job') };
export const agentSession = part<AgentSession>('agent_session');

/** @throws MamError `bad_input` for a path on another host that is not absolute */
export function checkThere(host: string, name: string, path: string | undefined): void {
  if (path === undefined || isAbsolute(path)) return;
  const what = `${name} is not an absolute path, and ${host} does not know your working folder.`;
  throw new MamError('bad_input', what, `Give an absolute path on ${host}, or leave ${name} out.`);
}
