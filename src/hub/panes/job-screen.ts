import { join } from 'node:path';
import { explain } from '../../base/errors.ts';
import { clean } from '../../base/text.ts';
import { isFinal } from '../../job/words.ts';
import type { ScreenResult } from '../../operations/logs.ts';
import type { Commands } from '../../operations/request.ts';
import { shoot } from '../../tmux/screen.ts';
import { readForeign } from '../../trust/files.ts';
import type { LiveJob } from '../jobs/live-job.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { LastScreens } from './last-screens.ts';
import type { TmuxServers } from './tmux-servers.ts';

/** The most of a screen that is sent over the bus, in bytes: a payload has 64 KiB. */
const MAX_SCREEN_BYTES = 32 * 1024;

/**
 * The screen of a job's pane: the current one while the job is open or its agent's last turn goes on, else the last one.
 * @param screens the screens that are still to be taken
 * @throws MamError `not_found` for an unknown job
 */
export async function jobScreen(
  registrar: Registrar,
  servers: TmuxServers,
  screens: LastScreens,
  params: Commands['screen']['params'],
): Promise<ScreenResult> {
  const job = await registrar.find(params.job_id, params.registry_dir);
  const ended = isFinal(job.record.status) || job.isHistory;
  // A pane here may have the same name as its own.
  if (job.replica !== undefined && !ended) return none(`The job runs on ${job.replica.home}.`, false);
  return ended && !screens.isTaking(job) ? lastScreen(job) : liveScreen(job, servers);
}

async function liveScreen({ record }: LiveJob, servers: TmuxServers): Promise<ScreenResult> {
  const { agent_session: session, agent_process: process } = record;
  if (session === undefined) return none('The job has no pane.', true);
  try {
    const shot = await shoot(servers.get(session.socket), session.pane);
    // A new tmux server reuses the same pane ids for other programs.
    if (shot === undefined || (process !== undefined && shot.pane_pid !== process.pane_pid))
      return none("The job's pane is gone.", true);
    return { screen: fitting(shot.lines.map(clean)), live: true };
  } catch (error) {
    return none(explain(error), true);
  }
}

async function lastScreen({ record }: LiveJob): Promise<ScreenResult> {
  try {
    const text = readForeign(join(record.log_dir, 'screen.txt'));
    return { screen: fitting(clean(text).trimEnd().split('\n')), live: false };
  } catch {
    return none('No picture of the pane was taken when the job ended.', false);
  }
}

function none(missing: string, live: boolean): ScreenResult {
  return { screen: [], live, missing };
}

/** The last rows that fit: what matters on a screen is at its bottom. */
function fitting(lines: string[]): string[] {
  let left = MAX_SCREEN_BYTES;
  const from = lines.findLastIndex((line) => {
    left -= Buffer.byteLength(JSON.stringify(line)) + 1;
    return left < 0;
  });
  return lines.slice(from + 1);
}
