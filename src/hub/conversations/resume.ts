import { statSync } from 'node:fs';
import { builtIn } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { orElse } from '../../base/or-else.ts';
import { identify, lifeOf } from '../../base/process-id.ts';
import { cleanLine } from '../../base/text.ts';
import { historyError } from '../../job/history.ts';
import type { AgentSession, JobRecord } from '../../job/record.ts';
import type { Conversation } from '../../job/usage-schema.ts';
import type { StartParams, StartResult } from '../../operations/agents.ts';
import { unseenAgent } from '../../tmux/process.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { type Started, startInConversation } from '../sessions/agent-start.ts';
import type { Conversations } from './conversations.ts';
import { agentsFile } from './transcript-part.ts';

interface Parts {
  registrar: Pick<Registrar, 'meant' | 'find' | 'open'>;
  servers: TmuxServers;
  home: { folder: string; servers: string };
  conversations: Pick<Conversations, 'opening' | 'reopened' | 'holderOf'>;
}

/**
 * Starts an agent in the conversation in which a job's prompt was taken, in that job's folder. The job's pane is then the
 * agent's; what it reports counts as a late report.
 * @throws MamError `not_found` without such a conversation or its folder, `bad_input` for another kind, `conflict` while
 * an agent runs in it, and as `startInConversation`
 */
export async function resumeJob(parts: Parts, part: string, params: StartParams): Promise<StartResult> {
  const { registrar, servers, home, conversations } = parts;
  const job = await registrar.find(await registrar.meant(part));
  if (job.isHistory) throw historyError(job.registryDir, job.id);
  const conversation = conversationOf(job.record, params.agent);
  // A job that has ended may have it as well.
  const last = conversations.holderOf(conversation);
  const holder = last === undefined ? undefined : await registrar.find(last).catch(() => undefined);
  for (const other of new Set([...registrar.open, holder ?? job]))
    if (other.id !== job.id) checkNotIn(other.record, conversation, job.id);
  checkFolder(job.record);
  const there = { ...params, workdir: job.record.workdir, resume: false };
  return conversations.opening(conversation, job.id, async () => {
    const { started, result } = await startInConversation(servers, home, there, conversation.id);
    await conversations.reopened(job, conversation, placeOf(servers, started, params.agent));
    return { ...result, resumed_job: job.id };
  });
}

/** Two agents in one conversation would each write into it. @param other that may have it as well */
function checkNotIn(other: JobRecord, { agent, id }: Conversation, jobId: string): void {
  const { conversation, agent_process: process, agent_session: session } = other;
  if (conversation?.agent !== agent || conversation.id !== id) return;
  if (process === undefined || lifeOf(process) !== 'alive') return;
  throw new MamError(
    'conflict',
    `The conversation of job ${jobId} is open already, in session ${session?.session}: job ${other.job_id} has it as well.`,
    `Look at it with \`mam attach ${other.job_id}\`, or end it first: \`mam stop tmux:${session?.session}\`.`,
  );
}

/** An agent finds a conversation by the folder in which it was held. */
function checkFolder({ job_id: id, workdir, worktree }: JobRecord): void {
  if (orElse(() => statSync(workdir).isDirectory(), false)) return;
  const made =
    worktree === undefined
      ? 'Make the folder again'
      : `Make its worktree again, from ${worktree.branch} if that is still there`;
  throw new MamError(
    'not_found',
    `The folder of job ${id} is gone: ${workdir}.`,
    `Its conversation belongs to that folder. ${made}, or delegate the task again.`,
  );
}

/** The conversation of a job, as it may be given to an agent of this kind. @throws MamError as `resumeJob` */
export function conversationOf(record: JobRecord, agent: string): Conversation {
  const { job_id: id, home, conversation, agent_process: process, agent_session: session } = record;
  if (home !== undefined)
    throw new MamError(
      'bad_input',
      `Job ${id} has its conversation on ${home.host}.`,
      `Run \`mam start ${record.profile ?? record.agent} --resume ${id}\` there.`,
    );
  const kind = builtIn(agent)?.conversation;
  if (conversation === undefined || kind === undefined)
    throw new MamError(
      'not_found',
      `No conversation of job ${id} is known: ${agent} has reported none.`,
      `\`mam start ${cleanLine(agent, 80)} --resume\` resumes the last one in a folder.`,
    );
  if (conversation.agent !== agent)
    throw new MamError(
      'bad_input',
      `Job ${id} was given to ${conversation.agent}: ${agent} can't open its conversation.`,
      `Run \`mam start ${record.agent === conversation.agent ? (record.profile ?? record.agent) : conversation.agent} --resume ${id}\`.`,
    );
  // It gets onto a command line.
  if (!kind.id.test(conversation.id))
    throw new MamError(
      'refused',
      `The conversation of job ${id} has an id that ${agent} does not give.`,
      'Delegate the task again.',
    );
  if (process !== undefined && lifeOf(process) === 'alive')
    throw new MamError(
      'conflict',
      `The agent of job ${id} is still running, in session ${session?.session}.`,
      `Look at it with \`mam attach ${id}\`, or end it first: \`mam stop tmux:${session?.session}\`.`,
    );
  if (kind.hasTranscript && !isFile(conversation.transcript))
    throw new MamError(
      'not_found',
      `The transcript of job ${id} is gone: ${conversation.transcript ?? `${agent} has named none`}.`,
      'Its conversation cannot be opened again: delegate the task again.',
    );
  return conversation;
}

function isFile(path: string | undefined): boolean {
  return agentsFile(path) === path && orElse(() => statSync(path ?? '').isFile(), false);
}

function placeOf(
  servers: TmuxServers,
  { session, pane_pid }: Started,
  command: string,
): { agent_session: AgentSession; agent_process: NonNullable<JobRecord['agent_process']> } {
  const sees = servers.get(session.socket).seesProcesses;
  const process = sees ? { ...identify(pane_pid), command } : unseenAgent({ pane_pid, command });
  return { agent_session: session, agent_process: { ...process, pane_pid } };
}
