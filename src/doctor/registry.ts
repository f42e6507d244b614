import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemCode } from '../base/errors.ts';
import { isJobId } from '../base/ids.ts';
import { orElse } from '../base/or-else.ts';
import { shellWord } from '../base/shell.ts';
import { isFinal, type Status } from '../job/words.ts';
import { awayError, inodeOf, isAway, isJournalGone, journalGoneError } from '../registry/away.ts';
import { isOwnJob, proofError } from '../registry/history.ts';
import { homePaths, type Pointer, readPointers, readRegistries } from '../registry/home.ts';
import { livingOwner } from '../registry/lock.ts';
import { hasJob, jobPaths, lockPath, whereIs } from '../registry/paths.ts';
import { writtenState } from '../registry/record-file.ts';
import { Seal } from '../registry/seal.ts';
import type { Settings } from '../settings/config.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, note, ok, problem } from './finding.ts';
import { jobHealth } from './job-health.ts';

/** Of a large registry so many of the newest jobs are read whole, and every open one. */
const NEWEST = 1_000;
/** Jobs between two turns of the event loop: the other checks go on meanwhile. */
const STEP = 20;
/** So many damaged jobs are named one by one. */
const NAMED = 20;
/** Jobs that are only history are not named beyond this. */
const SHOWN = 5;
/** A job that is being made has its journal after some ms. */
const FRESH_MS = 10_000;
const OF_A_JOB = /^(prompt\.md|job\.json|texts|.*\.tmp)$/;

/** The registries of this home: their journals, their locks, and the notes of live jobs. */
export const registry: Check = {
  name: 'registry',
  area: 'registry',
  limitMs: 30_000,

  look: withSettings(async (settings, _place, signal) => {
    const home = homePaths(settings.home);
    const pointers = pointersOf(settings);
    const known = readRegistries(home).filter((dir) => dir !== settings.registryDir && isFolder(dir));
    const found: Found[] = [];
    for (const dir of [settings.registryDir, ...known]) {
      const live = pointers.filter(({ registryDir }) => registryDir === dir).map(({ jobId }) => jobId);
      found.push(...(await healthOf(dir, settings.home, live, signal)));
    }
    return [...found, ...away(pointers), ...lostPointers(pointers)];
  }),
};

async function healthOf(dir: string, home: string, live: string[], signal: AbortSignal): Promise<Found[]> {
  const id = 'registry.jobs';
  let names: string[];
  try {
    names = readdirSync(dir).filter(isJobId);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return [ok(id, `${dir} is not there yet; the first job makes it`)];
    const title = `The registry ${dir} cannot be read (${code ?? 'unknown error'}).`;
    return [problem(id, title, 'Mend its permissions, or set MAM_REGISTRY_DIR to another folder.')];
  }
  const chosen = await choose(dir, names, new Set(live), signal);
  const seal = Seal.existing(homePaths(home));
  const found: Found[] = [];
  let jobs = 0;
  for (const [index, name] of chosen.entries()) {
    if (index % STEP === 0) await nextTurn();
    if (signal.aborted) break;
    if (isJournalGone(dir, name, seal)) found.push(journalGone(dir, name));
    // Another folder without a journal is none of ours.
    if (!hasJob(dir, name) && !isUnreadable(dir, name)) continue;
    jobs++;
    found.push(...jobHealth(dir, name));
  }
  found.push(...strangers(dir, home, chosen, live), ...halfMade(dir, chosen, seal));
  return [...access(dir), ...writer(dir, home), ...named(found), total(dir, jobs, names.length, found)];
}

/** Open jobs that no hub of this home has delegated. */
function strangers(dir: string, home: string, names: string[], live: string[]): Found[] {
  const open = names.filter((name) => isOpen(dir, name));
  const foreign = open.filter((name) => !isOwnJob(dir, name, homePaths(home)));
  const lost = foreign.filter((name) => live.includes(name));
  const history = foreign.filter((name) => !live.includes(name));
  return [...unproven(lost, homePaths(home).key), ...shownAsHistory(dir, history)];
}

/** A hub of this home has delegated them, by what it has noted, and nothing proves it. */
function unproven(jobs: string[], key: string): Found[] {
  return jobs.map((id) => {
    const { message, hint } = proofError(id, key);
    return problem('registry.proof', message, hint);
  });
}

function shownAsHistory(dir: string, history: string[]): Found[] {
  if (history.length === 0) return [];
  const title = `${history.length} open ${history.length === 1 ? 'job' : 'jobs'} in ${dir} came with a clone or from another MAM_HOME: ${history.slice(0, SHOWN).join(', ')}${history.length > SHOWN ? ', …' : ''}.`;
  const remedy =
    'Nothing has to be done: they are shown as history, and nothing in them is obeyed. Move their folders elsewhere to silence this note.';
  return [note('registry.history', title, remedy)];
}

/** Folders of jobs that never came to be: whoever delegated them was told so, or was killed. */
function halfMade(dir: string, names: string[], seal: Seal | undefined): Found[] {
  const made = names.filter((name) => {
    if (hasJob(dir, name) || isUnreadable(dir, name) || isJournalGone(dir, name, seal)) return false;
    const stat = statSync(join(dir, name), { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true || Date.now() - stat.mtimeMs < FRESH_MS) return false;
    // What has anything else in it is none of ours.
    return readdirSync(join(dir, name)).every((file) => OF_A_JOB.test(file));
  });
  const [first] = made;
  if (first === undefined) return [];
  const many =
    made.length === 1 ? `${join(dir, first)} is the folder` : `${made.length} folders in ${dir} are those`;
  const title = `${many} of a job that was never made: no event of it is there.`;
  const detail = made.length === 1 ? undefined : made.slice(0, SHOWN).join('\n');
  return [note('registry.half-made', title, 'Nothing waits for it. It can be removed by hand.', detail)];
}

function journalGone(dir: string, name: string): Found {
  const { message, hint } = journalGoneError(dir, name);
  return problem('registry.journal', message, hint);
}

/** The newest jobs, and every open one. */
async function choose(
  dir: string,
  names: string[],
  live: Set<string>,
  signal: AbortSignal,
): Promise<string[]> {
  if (names.length <= NEWEST) return names;
  const dated: { name: string; at: number }[] = [];
  for (const [index, name] of names.entries()) {
    if (index % NEWEST === 0) await nextTurn();
    dated.push({ name, at: statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 });
  }
  dated.sort((a, b) => b.at - a.at);
  const chosen = dated.slice(0, NEWEST).map(({ name }) => name);
  for (const [index, { name }] of dated.slice(NEWEST).entries()) {
    if (index % STEP === 0) await nextTurn();
    if (signal.aborted) break;
    if (live.has(name) || isOpen(dir, name)) chosen.push(name);
  }
  return chosen;
}

/** By the derived record, which costs a tenth of the journal. */
function isOpen(dir: string, name: string): boolean {
  const record = writtenState(jobPaths(dir, name).record);
  return record === undefined ? hasJob(dir, name) : !isFinal(record.status as Status);
}

/** Something stands in the journal's place that is no file, or may not be looked at. */
function isUnreadable(dir: string, name: string): boolean {
  try {
    return statSync(jobPaths(dir, name).journal, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return systemCode(error) === 'EACCES';
  }
}

/** The first ones, problems before notes. */
function named(found: Found[]): Found[] {
  const problems = found.filter(({ level }) => level === 'problem');
  const sorted = [...problems, ...found.filter(({ level }) => level !== 'problem')];
  if (sorted.length <= NAMED) return sorted;
  const title = `${sorted.length - NAMED} more findings about jobs are not shown.`;
  const remedy =
    'When many journals are damaged, look after the disk first, then restore the registry from a backup.';
  const more = problems.length > NAMED ? problem : note;
  return [...sorted.slice(0, NAMED), more('registry.more', title, remedy)];
}

function total(dir: string, jobs: number, all: number, found: Found[]): Found {
  const count = `${jobs} ${jobs === 1 ? 'job' : 'jobs'}`;
  const which = all > NEWEST ? `the newest ${NEWEST} and every open one of ${all}` : 'every one read';
  const whole = found.length === 0 ? 'and whole' : `${found.length} with findings`;
  return ok('registry.jobs', jobs === 0 ? `${dir} has no jobs yet` : `${dir}: ${count}, ${which}, ${whole}`);
}

function access(dir: string): Found[] {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const title = `The registry ${dir} cannot be written (${systemCode(error) ?? 'unknown error'}).`;
    const remedy = `Mend its permissions (\`chmod u+rwx ${shellWord(dir)}\`), or set MAM_REGISTRY_DIR to a folder that can be written.`;
    return [problem('registry.folder', title, remedy)];
  }
}

/** The lock of a dead hub binds nobody; that of another hub keeps ours from writing. */
function writer(dir: string, home: string): Found[] {
  const owner = livingOwner(lockPath(dir));
  if (owner === undefined || owner.what === home) return [];
  const title = `The registry ${dir} is being written by the hub of another MAM_HOME (process ${owner.pid}, ${owner.what}).`;
  return [
    problem(
      'registry.lock',
      title,
      'Use the same MAM_HOME as it, or set MAM_REGISTRY_DIR to another folder.',
    ),
  ];
}

function pointersOf({ home }: Settings): Pointer[] {
  return orElse(() => readPointers(homePaths(home)), []);
}

/** A registry that is not there may come back: a disk that is not mounted, a folder that was renamed. */
function away(pointers: Pointer[]): Found[] {
  const missing = pointers.filter((one) => one.registryDir !== '' && isAway(one));
  const lost = pointers.filter((one) => one.registryDir === '').map((one) => awayError(one));
  const dirs = [...new Set(missing.map(({ registryDir }) => registryDir))];
  const found = lost.map(({ message, hint }) => problem('registry.live', message, hint));
  const away = dirs.map((dir) => {
    const ids = missing.filter(({ registryDir }) => registryDir === dir).map(({ jobId }) => jobId);
    const jobs = ids.length === 1 ? 'one open job' : `${ids.length} open jobs`;
    const cancels = ids
      .slice(0, SHOWN)
      .map((id) => `\`mam cancel ${id}\``)
      .join(', ');
    const title = `The registry ${dir} of ${jobs} is away.`;
    const remedy = `Mount its disk, or move the folder back to where it was: the jobs then go on, and reports that were kept are taken in. If it is gone for good: ${cancels}.`;
    return problem('registry.away', title, remedy);
  });
  return [...found, ...away];
}

function lostPointers(pointers: Pointer[]): Found[] {
  const lost = pointers.filter((one) => whereIs(one.registryDir, one.jobId, inodeOf(one)) === 'gone');
  if (lost.length === 0) return [];
  const jobs = lost.length === 1 ? 'One live job is' : `${lost.length} live jobs are`;
  const title = `${jobs} noted whose files are gone.`;
  const detail = lost.slice(0, 3).map(({ jobId, registryDir }) => `${jobId} in ${registryDir}`);
  return [
    note('registry.live', title, 'Nothing has to be done: the next hub forgets them.', detail.join('\n')),
  ];
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
