import { statSync } from 'node:fs';
import { orElse } from '../base/or-else.ts';
import { readHubFile } from '../bus/hub-file.ts';
import { homePaths } from '../registry/home.ts';
import { jobPaths } from '../registry/paths.ts';
import type { Check } from './check.ts';
import { problem } from './finding.ts';
import { openJobs } from './open-jobs.ts';

/** Clocks of a machine's parts differ by less, in ms. */
const AHEAD_MS = 60_000;

/** Whether what was written here lies in the future: then the machine's clock was set back, or was wrong when it was written. */
export const clock: Check = {
  name: 'clock',
  area: 'home',
  limitMs: 3_000,

  async look({ home: folder }) {
    const home = homePaths(folder);
    const times: [string, number | undefined][] = [
      [home.hubFile, Date.parse(readHubFile(home.hubFile)?.started_at ?? '')],
      ...[home.hubFile, home.log, ...openJobs(home).map(journalOf)].map(
        (path): [string, number | undefined] => [path, orElse(() => statSync(path).mtimeMs, undefined)],
      ),
    ];
    const [path = '', at = 0] = times.reduce((a, b) => ((b[1] || 0) > (a[1] || 0) ? b : a), ['', 0]);
    const ahead = at - Date.now();
    if (!(ahead > AHEAD_MS)) return [];
    const title = `This machine's clock is behind what it has written: ${path} is of ${new Date(at).toISOString()}, ${Math.round(ahead / 60_000)} min from now.`;
    const remedy =
      'Look whether `date` is right (`timedatectl` sets it). Ages and orders by time are wrong until it has caught up; no job is lost by it.';
    return [problem('home.clock', title, remedy)];
  },
};

function journalOf({ registryDir, jobId }: { registryDir: string; jobId: string }): string {
  return jobPaths(registryDir, jobId).journal;
}
