import { setTimeout as sleep } from 'node:timers/promises';
import { builtIn, screenOf } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { draftEvent, type Saying } from '../../job/event.ts';
import { LIMITS } from '../../job/limits.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { CancelParams, CancelResult } from '../../operations/cancel.ts';
import { interrupt } from '../../tmux/deliver.ts';
import { classify, shoot } from '../../tmux/screen.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';

/** OpenCode 1.18.33 takes two keys at once for none, and 20 ms apart for two. In ms. */
const KEY_GAP_MS = 100;

/**
 * Cancels a job: final at once. The dispatcher takes it out of its queue or clears its text, the validator ends its
 * script; a peer that has it is told in the answer to its next report.
 * One whose record is gone, or away, is let go of.
 * @throws MamError `not_found` for an unknown job, `io` when it can't be recorded
 */
export async function cancelJob(
  registrar: Registrar,
  servers: TmuxServers,
  params: CancelParams,
): Promise<CancelResult> {
  const detail = params.reason === undefined ? {} : { detail: cleanLine(params.reason, LIMITS.detailChars) };
  const draft = { source: params.by, ...detail };
  try {
    return await cancel(registrar, servers, params, draft);
  } catch (error) {
    const gone = mayBeGone(error) ? registrar.missing.giveUp(params.job_id, draft) : undefined;
    if (gone === undefined) throw error;
    const { registryDir, record } = gone;
    const note = `Its record is not in ${registryDir}, so the end of it is written nowhere: nothing is done for it any more, and reports on it are refused. Should its folder come back, it is open there: cancel it once more.`;
    return { ...(record && { record }), changed: true, note };
  }
}

function mayBeGone(error: unknown): boolean {
  return error instanceof MamError && ['io', 'not_found', 'refused'].includes(error.code);
}

async function cancel(
  registrar: Registrar,
  servers: TmuxServers,
  params: CancelParams,
  draft: Saying<'cancelled'>,
): Promise<CancelResult> {
  const job = await registrar.findOwn(params.job_id, params.registry_dir);
  if (isFinal(job.record.status)) return alreadyFinal(job.record);
  const { before = job.record, after } = await registrar.record(job, draftEvent(job.id, 'cancelled', draft));
  // What was on its way to the disk has come first.
  if (isFinal(before.status)) return alreadyFinal(after);
  if (before.status === 'queued' && before.phase === 'queued') {
    return {
      record: after,
      changed: true,
      note: 'It was taken out of the queue; nothing had been delivered.',
    };
  }
  if (before.status === 'queued') {
    const note =
      'Its text was pasted and not submitted: it is cleared where the kind has a key for that. Else it stands in the input box, and whatever comes next for that pane waits until it is gone.';
    return { record: after, changed: true, note };
  }
  if (job.record.agent === 'human') return { record: after, changed: true, note: 'Tell the person.' };
  const told = 'The peer is told when it reports next.';
  const note =
    params.interrupt === true
      ? `${await pressInterrupt(job, servers)} ${told}`
      : `${told} Until then it may go on working.`;
  return { record: after, changed: true, note };
}

function alreadyFinal(record: JobRecord): CancelResult {
  return { record, changed: false, note: `The job was ${record.status} already; nothing changed.` };
}

/** @returns a sentence that says what was done */
async function pressInterrupt({ record }: LiveJob, servers: TmuxServers): Promise<string> {
  const { agent_session: session, agent_process: agent, typing } = record;
  if (session === undefined || agent === undefined) return 'The job has no pane, so no key was pressed.';
  const keys = typing?.interrupt === undefined ? builtIn(record.agent)?.interruptKeys : [typing.interrupt];
  if (keys === undefined) {
    return `No interrupt key is known for agent kind ${record.agent} (set agents.${record.agent}.interrupt in MAM_HOME/config.json), so none was pressed.`;
  }
  try {
    const target = { pane: session.pane, pane_pid: agent.pane_pid, agent };
    const server = servers.get(session.socket);
    const shot = await shoot(server, session.pane);
    // In an idle agent or a dialog the same key means something else: it opens a menu, or denies.
    const state = classify(shot?.lines ?? [], screenOf(record.agent, typing));
    if (state === 'ready' || state === 'dialog')
      return `No key was pressed: the agent is in no turn (its screen shows ${state === 'ready' ? 'its input box' : 'a dialog'}).`;
    for (const [index, key] of keys.entries()) {
      if (index > 0) await sleep(KEY_GAP_MS);
      const refused = await interrupt(server, target, key);
      if (refused !== undefined) return `No key was pressed: ${refused}.`;
    }
    return `${keys.join(' ')} was pressed in its pane.`;
  } catch {
    return 'No key was pressed: tmux does not answer.';
  }
}
