import { join } from 'node:path';
import { ageOf, namesIn } from '../base/folders.ts';
import { isJobId } from '../base/ids.ts';
import { whyNotFound } from '../registry/away.ts';
import { type Home, readRegistries } from '../registry/home.ts';
import { hasJob } from '../registry/paths.ts';
import { readObject } from '../trust/files.ts';
import { type Found, note, problem } from './finding.ts';

/** A running hub looks every 2 s: an older event waits for something else; in ms. */
const WAIT_MS = 10_000;
/** How many are read to find out what they wait for, and how many lines say it. */
const READ = 500;
const SHOWN = 3;

/** The events that wait on disk for the hub; nothing for an empty outbox. */
export function outbox(home: Home, hubRuns: boolean): Found[] {
  const names = namesIn(home.outbox);
  const waiting = names.filter((name) => name.endsWith('.json'));
  const bad = names.filter((name) => name.endsWith('.bad'));
  return [...waitingIn(home, waiting, hubRuns), ...badIn(home.outbox, bad)];
}

function waitingIn(home: Home, names: string[], hubRuns: boolean): Found[] {
  const { outbox: folder } = home;
  const age = Math.max(...names.map((name) => ageOf(join(folder, name))));
  if (names.length === 0 || (hubRuns && age < WAIT_MS)) return [];
  const id = 'hub.outbox';
  const count = names.length === 1 ? 'One event waits' : `${names.length} events wait`;
  const title = `${count} for the hub in ${folder}, the oldest for ${ageText(age)}.`;
  const why = reasonsOf(home, names);
  if (why !== undefined) {
    const remedy =
      'They are recorded when the registry is back: mount its disk, or restore it. If it is gone for good, remove them.';
    return [problem(id, title, remedy, why)];
  }
  const stuck = 'The hub is running but does not take them: `mam hub logs`, then `mam hub restart`.';
  const idle = 'Any command that needs the hub delivers them, such as `mam wait` or `mam hub restart`.';
  return [hubRuns ? problem(id, title, stuck) : note(id, title, idle)];
}

/** Which of them wait for a missing registry, as lines; undefined if none does. */
function reasonsOf(home: Home, names: string[]): string | undefined {
  const dirs = readRegistries(home);
  const reports = names.slice(0, READ).flatMap((name) => jobIn(join(home.outbox, name)) ?? []);
  const lines = [...new Set(reports)].flatMap((jobId) => {
    const why = dirs.some((dir) => hasJob(dir, jobId)) ? undefined : whyNotFound(home, jobId);
    const count = reports.filter((one) => one === jobId).length;
    return why === undefined ? [] : [`${count} of job ${jobId}: ${why.message}`];
  });
  return lines.length === 0 ? undefined : lines.slice(0, SHOWN).join('\n');
}

/** The job that a kept event is about. */
function jobIn(path: string): string | undefined {
  const { job_id: id } = readObject(path);
  return typeof id === 'string' && isJobId(id) ? id : undefined;
}

function badIn(folder: string, names: string[]): Found[] {
  if (names.length === 0) return [];
  const files = names.length === 1 ? 'One file holds' : `${names.length} files hold`;
  const title = `${files} no readable event in ${folder}.`;
  const remedy = 'Look at them, report what they say again, and remove them.';
  return [note('hub.outbox-bad', title, remedy, names.slice(0, SHOWN).join('\n'))];
}

function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1000)} s`;
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}
