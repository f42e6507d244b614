import { setTimeout as sleep } from 'node:timers/promises';
import { builtIn, screenOf } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { draftEvent, type Saying } from '../../job/event.ts';
import { isHeld } from '../../job/held.ts';
import { LIMITS } from '../../job/limits.ts';
import type { JobRecord } from '../../job/record.ts';
import { isFinal } from '../../job/words.ts';
import type { CancelParams, CancelResult } from '../../operations/cancel.ts';
import { pressKey } from '../../tmux/deliver.ts';
import { classify, shoot } from '../../tmux/screen.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import { placeOf } from '../panes/agent-pane.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';

/** Between two keys, in ms: OpenCode 1.18.33 ignores two at once, and takes both when they are 20 ms apart. */
const KEY_GAP_MS = 100;

/**
 * Cancels a job: final at once. The dispatcher removes it from its queue or clears its text, the validator ends its script;
 * a peer that has it is told in the answer to its next report. A job without a record is only forgotten.
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
    const note = `Its record is not in ${registryDir}, so its end is not recorded: nothing more is done for it, and reports on it are refused. If its folder comes back, the job is open again: cancel it again.`;
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
  // Events that are still being written come first.
  if (isFinal(before.status)) return alreadyFinal(after);
  return { record: after, changed: true, note: await noteOn(job, before, servers, params.interrupt) };
}

/** What else a person should know about a cancelled job. @param before its record when it was open */
async function noteOn(job: LiveJob, before: JobRecord, servers: TmuxServers, interrupt = false) {
  if (isHeld(before)) return 'It was waiting; nothing had been delivered.';
  if (before.status === 'queued')
    return before.phase === 'queued'
      ? 'It was taken out of the queue; nothing had been delivered.'
      : 'Its text was pasted but not submitted: it is cleared if the agent kind has a key for that. Otherwise it stays in the input box, and the next text for that pane waits until it is gone.';
  if (job.record.agent === 'human') return 'Tell the person.';
  const later = 'The peer is told with its next report.';
  return interrupt
    ? `${await pressInterrupt(job, servers)} ${later}`
    : `${later} Until then it may go on working.`;
}

function alreadyFinal(record: JobRecord): CancelResult {
  return { record, changed: false, note: `The job was already ${record.status}; nothing changed.` };
}

/** @returns a sentence that says what was done */
async function pressInterrupt({ record }: LiveJob, servers: TmuxServers): Promise<string> {
  const { typing } = record;
  const place = placeOf(servers, record);
  if (place === undefined) return 'The job has no pane, so no key was pressed.';
  const keys = typing?.interrupt === undefined ? builtIn(record.agent)?.interruptKeys : [typing.interrupt];
  if (keys === undefined) {
    return `No interrupt key is known for agent kind ${record.agent} (set agents.${record.agent}.interrupt in MAM_HOME/config.json), so none was pressed.`;
  }
  try {
    const shot = await shoot(place.server, place.target.pane);
    // In an idle agent or a dialog the same key means something else: it opens a menu, or denies.
    const state = classify(shot?.lines ?? [], screenOf(record.agent, typing));
    if (state === 'ready' || state === 'dialog')
      return `No key was pressed: the agent is not in a turn (its screen shows ${state === 'ready' ? 'its input box' : 'a dialog'}).`;
    for (const [index, key] of keys.entries()) {
      if (index > 0) await sleep(KEY_GAP_MS);
      const refused = await pressKey(place, key);
      if (refused !== undefined) return `No key was pressed: ${refused}.`;
    }
    return `${keys.join(' ')} was pressed in its pane.`;
  } catch {
    return 'No key was pressed: tmux does not answer.';
  }
}
