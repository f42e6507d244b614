import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { explain } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { nearestThere } from '../base/real-place.ts';
import { shellWord } from '../base/shell.ts';
import { userId } from '../base/user-home.ts';
import { homePaths } from '../registry/home.ts';
import { homeFaults } from '../registry/home-faults.ts';
import { hubSocketPath } from '../settings/hub-place.ts';
import { isOwn } from '../trust/owner.ts';
import { checkHubSocket } from '../trust/socket.ts';
import type { Check } from './check.ts';
import { type Found, failure, note, ok, problem } from './finding.ts';
import { openJobs } from './open-jobs.ts';

const MB = 1024 * 1024;
/** Below the first the disk needs attention; below the second nothing is certain to be kept. */
const LOW_MB = 100;
const FULL_MB = 10;
/** An event in the outbox is one file, a job several. */
const FEW_FILES = 100;

/** MAM_HOME: its owner, who can see into it, whether it can be written, and the space on its disk. */
export const home: Check = {
  name: 'home',
  area: 'home',
  limitMs: 3_000,

  async look({ home: folder, settings, env }) {
    const state = stateOf(folder);
    const own = nearestThere(folder);
    const others = [
      ...[settings?.registryDir ?? [], settings?.logsDir ?? []].flat(),
      ...openJobs(homePaths(folder)).map(({ registryDir }) => registryDir),
    ];
    return [
      state,
      ...(state.level === 'problem'
        ? []
        : homeFaults(homePaths(folder)).map((fault) => failure('home.part', fault))),
      ...socketOf(folder, env['XDG_RUNTIME_DIR']),
      space('home.disk', own),
      ...onOtherDisks(own, others.map(nearestThere)).map((other) => space('home.registry-disk', other)),
    ];
  },
};

function stateOf(folder: string): Found {
  const id = 'home.folder';
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) {
    const parent = nearestThere(folder);
    return mayWrite(parent)
      ? ok(id, `${folder} does not exist yet; it is created when it is needed`)
      : problem(id, `${folder} cannot be created: ${parent} is not writable.`, elsewhere(parent));
  }
  if (!stat.isDirectory())
    return problem(id, `${folder} is not a folder.`, 'Move it away, or set MAM_HOME to another folder.');
  if (!isOwn(stat)) {
    const title = `${folder} belongs to another user (uid ${stat.uid}); you are uid ${userId()}.`;
    const remedy = 'Run mam as that user, without sudo, or set MAM_HOME to a folder of your own.';
    return problem(id, title, remedy);
  }
  if (!mayWrite(folder)) return problem(id, `${folder} is not writable.`, elsewhere(folder));
  const mode = stat.mode & 0o777;
  if ((mode & 0o077) === 0) return ok(id, `${folder} is private and writable`);
  const [level, can] = (mode & 0o022) !== 0 ? [problem, 'change'] : [note, 'see'];
  const title = `Other users can ${can} what is in ${folder} (mode ${mode.toString(8)}).`;
  return level(id, title, `\`chmod 700 ${shellWord(folder)}\``);
}

function socketOf(folder: string, runtime: string | undefined): Found[] {
  const path = hubSocketPath(folder, runtime);
  if (dirname(path) === folder) return [];
  const id = 'home.socket';
  try {
    checkHubSocket(path);
  } catch (error) {
    return [problem(id, explain(error), 'Set MAM_HOME to a folder with a shorter path.')];
  }
  return [ok(id, `The path of ${join(folder, 'hub.sock')} is too long for a socket; the socket is ${path}`)];
}

function onOtherDisks(own: string, folders: string[]): string[] {
  const seen = new Set([statSync(own).dev]);
  return folders.filter((folder) => {
    const { dev } = statSync(folder);
    return !seen.has(dev) && seen.add(dev) !== undefined;
  });
}

function space(id: string, folder: string): Found {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  // Some file systems do not count files.
  if (files > 0 && ffree < FEW_FILES) {
    const title = `Only ${ffree} more files can be created at ${folder}: each event that is kept needs one.`;
    const remedy = `Remove files that are not needed; \`df -i ${shellWord(folder)}\` shows how many there are.`;
    return problem(id, title, remedy);
  }
  const free = Math.floor((bavail * bsize) / MB);
  if (free >= LOW_MB) {
    return ok(id, `${free >= 10 * 1024 ? `${Math.floor(free / 1024)} GB` : `${free} MB`} free at ${folder}`);
  }
  const title = `Only ${free} MB are free at ${folder}: events cannot be kept on a full disk.`;
  const level = free < FULL_MB ? problem : note;
  return level(id, title, `Free some space; \`df -h ${shellWord(folder)}\` shows the disk.`);
}

function mayWrite(folder: string): boolean {
  return orElse(() => accessSync(folder, constants.W_OK | constants.X_OK) === undefined, false);
}

function elsewhere(folder: string): string {
  return `Make ${folder} writable, in a sandbox too. Or set MAM_HOME to a writable folder, the same for everyone who shares the jobs: each MAM_HOME has its own hub.`;
}
