import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemCode } from '../base/errors.ts';
import { isFolder } from '../base/folders.ts';
import { isJobId } from '../base/ids.ts';
import { orElse } from '../base/or-else.ts';
import { shellWord } from '../base/shell.ts';
import { counted } from '../base/text.ts';
import { isFinal, type Status } from '../job/words.ts';
import { awayError, inodeOf, isAway, isJournalGone, journalGoneError } from '../registry/away.ts';
import { isOwnJob, proofError } from '../registry/history.ts';
import { type Home, homePaths, type Pointer, readPointers, readRegistries } from '../registry/home.ts';
import { livingOwner } from '../registry/lock.ts';
import { hasJob, jobPaths, lockPath, whereIs } from '../registry/paths.ts';
import { writtenState } from '../registry/record-file.ts';
import { Seal } from '../registry/seal.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, failure, note, ok, problem } from './finding.ts';
import { jobHealth } from './job-health.ts';

/** How many of the newest jobs of a large registry are read, besides every open one. */
const NEWEST = 1_000;
/** Jobs between two turns of the event loop, so that the other checks go on. */
const STEP = 20;
/** How many damaged jobs are named one by one. */
const NAMED = 20;
/** How many jobs are listed in one finding. */
const SHOWN = 5;
/** A job that is being made has its journal within a few ms. */
const FRESH_MS = 10_000;
const OF_A_JOB = /^(prompt\.md|job\.json|texts|.*\.tmp)$/;

/** The registries of this home: their journals, their locks, and the notes of live jobs. */
export const registry: Check = {
  name: 'registry',
  area: 'registry',
  limitMs: 30_000,

  look: withSettings(async (settings, _place, signal) => {
    const home = homePaths(settings.home);
    const pointers = orElse(() => readPointers(home), []);
    const known = readRegistries(home).filter((dir) => dir !== settings.registryDir && isFolder(dir));
    const found: Found[] = [];
    for (const dir of [settings.registryDir, ...known]) {
      const live = pointers.filter(({ registryDir }) => registryDir === dir).map(({ jobId }) => jobId);
      found.push(...(await healthOf(dir, home, live, signal)));
    }
    return [...found, ...away(pointers), ...lostPointers(pointers)];
  }),
};

async function healthOf(dir: string, home: Home, live: string[], signal: AbortSignal): Promise<Found[]> {
  const id = 'registry.jobs';
  let names: string[];
  try {
    names = readdirSync(dir).filter(isJobId);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return [ok(id, `${dir} does not exist yet; the first job creates it`)];
    const title = `The registry ${dir} cannot be read (${code ?? 'unknown error'}).`;
    return [problem(id, title, 'Fix its permissions, or set MAM_REGISTRY_DIR to another folder.')];
  }
  const chosen = await choose(dir, names, new Set(live), signal);
  const seal = Seal.existing(home);
  const found: Found[] = [];
  let jobs = 0;
  for (const [index, name] of chosen.entries()) {
    if (index % STEP === 0) await nextTurn();
    if (signal.aborted) break;
    if (isJournalGone(dir, name, seal)) found.push(failure('registry.journal', journalGoneError(dir, name)));
    // Another folder without a journal is not ours.
    if (!hasJob(dir, name) && !isUnreadable(dir, name)) continue;
    jobs++;
    found.push(...jobHealth(dir, name));
  }
  found.push(...strangers(dir, home, chosen, live), ...halfMade(dir, chosen, seal));
  return [...access(dir), ...writer(dir, home), ...named(found), total(dir, jobs, names.length, found)];
}

/** Open jobs that no hub of this home has delegated. */
function strangers(dir: string, home: Home, names: string[], live: string[]): Found[] {
  const foreign = names.filter((name) => isOpen(dir, name) && !isOwnJob(dir, name, home));
  // According to its own notes, a hub of this home delegated these, but nothing proves it.
  const unproven = foreign.filter((name) => live.includes(name));
  const found = unproven.map((id) => failure('registry.proof', proofError(id, home.key)));
  const history = foreign.filter((name) => !live.includes(name));
  if (history.length === 0) return found;
  const shown = `${history.slice(0, SHOWN).join(', ')}${history.length > SHOWN ? ', …' : ''}`;
  const title = `${counted(history.length, 'open job')} in ${dir} came with a clone or from another MAM_HOME: ${shown}.`;
  const remedy =
    'Nothing needs to be done: they are only shown as history. Move their folders elsewhere to silence this note.';
  return [...found, note('registry.history', title, remedy)];
}

/** Folders of jobs that were never created: whoever delegated them got an error, or was killed. */
function halfMade(dir: string, names: string[], seal: Seal | undefined): Found[] {
  const made = names.filter((name) => {
    if (hasJob(dir, name) || isUnreadable(dir, name) || isJournalGone(dir, name, seal)) return false;
    const stat = statSync(join(dir, name), { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true || Date.now() - stat.mtimeMs < FRESH_MS) return false;
    // One with anything else in it is not ours.
    return readdirSync(join(dir, name)).every((file) => OF_A_JOB.test(file));
  });
  const [first] = made;
  if (first === undefined) return [];
  const [what, remedy, detail] =
    made.length === 1
      ? [
          `${join(dir, first)} is the folder of a job that was never created: it has no event.`,
          'Nothing waits for it. It can be removed by hand.',
        ]
      : [
          `${made.length} folders in ${dir} are of jobs that were never created: they have no events.`,
          'Nothing waits for them. They can be removed by hand.',
          made.slice(0, SHOWN).join('\n'),
        ];
  return [note('registry.half-made', what, remedy, detail)];
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

/** Reads the derived record, which takes a tenth of the journal's time. */
function isOpen(dir: string, name: string): boolean {
  const record = writtenState(jobPaths(dir, name).record);
  return record === undefined ? hasJob(dir, name) : !isFinal(record.status as Status);
}

/** Something is in the journal's place that is not a file, or may not be looked at. */
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
  const sorted = [...problems, ...found.filter(({ level }) => level === 'note')];
  if (sorted.length <= NAMED) return sorted;
  const title = `${sorted.length - NAMED} more findings about jobs are not shown.`;
  const remedy =
    'When many journals are damaged, check the disk first, then restore the registry from a backup.';
  const more = problems.length > NAMED ? problem : note;
  return [...sorted.slice(0, NAMED), more('registry.more', title, remedy)];
}

function total(dir: string, jobs: number, all: number, found: Found[]): Found {
  const which = all > NEWEST ? `the newest ${NEWEST} and every open one of ${all}` : 'all read';
  const whole = found.length === 0 ? 'none damaged' : `${found.length} with findings`;
  return ok(
    'registry.jobs',
    jobs === 0 ? `${dir} has no jobs yet` : `${dir}: ${counted(jobs, 'job')}, ${which}, ${whole}`,
  );
}

function access(dir: string): Found[] {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const title = `The registry ${dir} is not writable (${systemCode(error) ?? 'unknown error'}).`;
    const remedy = `Fix its permissions (\`chmod u+rwx ${shellWord(dir)}\`), or set MAM_REGISTRY_DIR to a writable folder.`;
    return [problem('registry.folder', title, remedy)];
  }
}

/** The lock of a dead hub has no effect; that of another hub keeps ours from writing. */
function writer(dir: string, home: Home): Found[] {
  const owner = livingOwner(lockPath(dir));
  if (owner === undefined || owner.what === home.folder) return [];
  const title = `The registry ${dir} is being written by the hub of another MAM_HOME (process ${owner.pid}, ${owner.what}).`;
  const remedy = 'Use that MAM_HOME, or set MAM_REGISTRY_DIR to another folder.';
  return [problem('registry.lock', title, remedy)];
}

/** A missing registry may come back: a disk that is not mounted, a folder that was renamed. */
function away(pointers: Pointer[]): Found[] {
  const [lost, known] = [pointers.filter(isLost), pointers.filter((one) => !isLost(one) && isAway(one))];
  const found = lost.map((one) => failure('registry.live', awayError(one)));
  for (const dir of new Set(known.map(({ registryDir }) => registryDir))) {
    const ids = known.filter(({ registryDir }) => registryDir === dir).map(({ jobId }) => jobId);
    const cancels = ids.slice(0, SHOWN).map((id) => `\`mam cancel ${id}\``);
    const title = `The registry ${dir} of ${counted(ids.length, 'open job')} is unavailable.`;
    const remedy = `Mount its disk, or move the folder back to where it was: the jobs then go on, and kept reports are recorded. If it is gone for good: ${cancels.join(', ')}.`;
    found.push(problem('registry.away', title, remedy));
  }
  return found;
}

/** No known registry has the job. */
function isLost({ registryDir }: Pointer): boolean {
  return registryDir === '';
}

function lostPointers(pointers: Pointer[]): Found[] {
  const lost = pointers.filter((one) => whereIs(one.registryDir, one.jobId, inodeOf(one)) === 'gone');
  if (lost.length === 0) return [];
  const title = `The files of ${counted(lost.length, 'live job')} are gone.`;
  const detail = lost.slice(0, SHOWN).map(({ jobId, registryDir }) => `${jobId} in ${registryDir}`);
  const remedy = 'Nothing needs to be done: the next hub forgets them.';
  return [note('registry.live', title, remedy, detail.join('\n'))];
}
