import { resolve } from 'node:path';
import { explain } from '../../base/errors.ts';
import { rankOf } from '../../job/rank.ts';
import type { JobRecord } from '../../job/record.ts';
import { standingOf } from '../../job/standing.ts';
import { homePaths } from '../../registry/home.ts';
import { openJobs } from '../../registry/open-jobs.ts';
import { realRegistry } from '../../registry/paths.ts';
import { mamHome } from '../../settings/config.ts';
import { nextStep } from '../../view/next-step.ts';
import { needText } from '../../view/summary.ts';
import { note, printAnswer } from '../core/output.ts';

/**
 * Prints the user's open jobs on one short line, for a status bar: empty when there is none. A bar shows whatever a
 * command prints, and some show nothing any more after an error, so that every failure is only a note on stderr.
 * @returns the exit code of success
 */
export function printShortStatus(registryDir: string | undefined, json: boolean): number {
  let jobs: JobRecord[] = [];
  try {
    const registry = registryDir === undefined ? undefined : realRegistry(resolve(registryDir));
    jobs = openJobs(homePaths(mamHome()), registry);
  } catch (error) {
    note(explain(error));
  }
  const asking = jobs.filter((job) => rankOf(standingOf(job)) === 'needs_you');
  const others = jobs.filter((job) => !asking.includes(job));
  const queued = others.filter(({ status }) => status === 'queued').length;
  const working = others.length - queued;
  const parts = [
    asking.length > 0 && needText(asking.length),
    working > 0 && `${working} working`,
    queued > 0 && `${queued} queued`,
  ];
  const summary = parts.filter((part) => part !== false).join(' · ');
  const [first] = asking;
  const next = first === undefined ? 'mam list' : nextStep(first);
  return printAnswer(json, { summary, needs_you: asking.length, working, queued, next }, summary);
}
