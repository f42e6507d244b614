import { draftEvent } from '../../job/event.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';

/** How a supervisor hears of its job, in words. */
const TOLD = {
  seen: 'The supervisor has looked, or waits.',
  channel: "It is told over the supervisor's channel, which acknowledges nothing.",
  typing: "A line is typed into the supervisor's pane.",
  typed: 'The supervisor has taken the line.',
  blocked: 'The line was not typed: its pane had changed. It comes when that is free.',
  unverified: 'Whether the supervisor has taken the line is not known. It is not typed again.',
  gone: "The supervisor's agent has left its pane.",
} as const;

/**
 * Notes how far a job's supervisor has been told.
 * @param seq the wake that it knows of now
 * @param how `seen` by a look or a wait; `channel`; `typing`, then `typed`, `unverified` or `blocked`; or `gone` with its pane
 * @param more `evidence` of it; the `line` with `typing`
 * @throws MamError `io` when it could not be written
 */
export async function noteTold(
  registrar: Registrar,
  job: LiveJob,
  seq: number,
  how: keyof typeof TOLD,
  more: { evidence?: string; line?: string } = {},
): Promise<void> {
  const data = { seq, how, ...more };
  await registrar.record(job, draftEvent(job.id, 'notified', { detail: TOLD[how], data }));
}
