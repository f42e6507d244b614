import { statSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../base/folders.ts';
import { isJobId } from '../base/ids.ts';
import { whyNotFound } from '../registry/away.ts';
import { type Home, readRegistries } from '../registry/home.ts';
import { hasJob } from '../registry/paths.ts';
import { readObject } from '../trust/files.ts';
import { type Found, note, problem } from './finding.ts';

/** A running hub looks every 2 s: what is older than this waits for something else, in ms. */
const WAIT_MS = 10_000;
/** So many are read to tell what they wait for, and so many lines tell it. */
const READ = 500;
const SHOWN = 3;

/** The events that wait on disk for the hub. Nothing is said of an empty outbox. */
export function outbox(home: Home, hubRuns: boolean): Found[] {
  const { outbox: folder } = home;
  const names = namesIn(folder);
  const waiting = names.filter((name) => name.endsWith('.json'));
  const bad = names.filter((name) => name.endsWith('.bad'));
  return [...waitingIn(home, waiting, hubRuns), ...badIn(folder, bad)];
}

function waitingIn(home: Home, names: string[], hubRuns: boolean): Found[] {
  const { outbox: folder } = home;
  const times = names.map(
    (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now(),
  );
  const age = Date.now() - Math.min(...times);
  if (names.length === 0 || (hubRuns && age < WAIT_MS)) return [];
  const id = 'hub.outbox';
  const count = names.length === 1 ? 'One event waits' : `${names.length} events wait`;
  const title = `${count} for the hub in ${folder}, the oldest for ${ageText(age)}.`;
  const why = reasonsOf(home, names);
  if (why !== undefined)
    return [
      problem(
        id,
        title,
        'They are taken in when it is back: mount its disk, or put back what is gone. If that will never be, remove them.',
        why,
      ),
    ];
  return hubRuns
    ? [
        problem(
          id,
          title,
          'The hub runs and does not take them: `mam hub logs` says why; then `mam hub restart`.',
        ),
      ]
    : [
        note(
          id,
          title,
          'Any command that needs the hub takes them in, such as `mam wait` or `mam hub restart`.',
        ),
      ];
}

/** Which of them wait for a registry that is away, as lines; nothing where none does. */
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
  const title = `${files} no event that can be read in ${folder}.`;
  const remedy = 'Look at them, report what they say once more, and remove them.';
  return [note('hub.outbox-bad', title, remedy, names.slice(0, 3).join('\n'))];
}

function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1000)} s`;
  if (minutes < 120) return `${minutes} min`;
  return minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} days`;
}
