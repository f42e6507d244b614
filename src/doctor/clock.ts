import { statSync } from 'node:fs';
import { orElse } from '../base/or-else.ts';
import { readHubFile } from '../bus/hub-file.ts';
import { homePaths } from '../registry/home.ts';
import { jobPaths } from '../registry/paths.ts';
import type { Check } from './check.ts';
import { problem } from './finding.ts';
import { openJobs } from './open-jobs.ts';

/** The clocks of one machine, such as that of a mounted disk, differ by less; in ms. */
const AHEAD_MS = 60_000;

/** Whether files here are from the future: then the machine's clock was set back, or was wrong when they were written. */
export const clock: Check = {
  name: 'clock',
  area: 'home',
  limitMs: 3_000,

  async look({ home: folder }) {
    const home = homePaths(folder);
    const journals = openJobs(home).map(({ registryDir, jobId }) => jobPaths(registryDir, jobId).journal);
    let newest = { path: home.hubFile, at: Date.parse(readHubFile(home.hubFile)?.started_at ?? '') || 0 };
    for (const path of [home.hubFile, home.log, ...journals]) {
      // 0 also if it can't be examined: another check reports that.
      const at = orElse(() => statSync(path).mtimeMs, 0);
      if (at > newest.at) newest = { path, at };
    }
    const { path, at } = newest;
    const ahead = at - Date.now();
    if (ahead <= AHEAD_MS) return [];
    const title = `This machine's clock is behind its own files: ${path} is from ${new Date(at).toISOString()}, ${Math.round(ahead / 60_000)} min from now.`;
    const remedy =
      'Check `date` (`timedatectl` sets it). Ages and the order of jobs are wrong until the clock has caught up; no job is lost.';
    return [problem('home.clock', title, remedy)];
  },
};
