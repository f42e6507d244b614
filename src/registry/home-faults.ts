import { accessSync, constants, lstatSync, type Stats, statSync } from 'node:fs';
import { MamError, systemCode } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import { userId } from '../base/user-home.ts';
import { isOwn, whyForeign } from '../trust/owner.ts';
import { foldersOf, type Home } from './home.ts';
import { keyFault } from './seal.ts';

/** Faults of a home's folders and files that would keep a hub from starting, each with the next step. */
export function startFaults(home: Home): MamError[] {
  const key = keyFault(home.key);
  const ofKey = key === undefined ? faultOfFile(home.key) : [key];
  return [...foldersOf(home).flatMap(faultOfFolder), ...faultOfKind(home.starting), ...ofKey];
}

/** The same, plus the faults at which a running hub would fail. */
export function homeFaults(home: Home): MamError[] {
  const folders = [home.clients, home.panes, home.known, home.onEvent];
  const files = [home.registries, home.log];
  return [...startFaults(home), ...folders.flatMap(faultOfFolder), ...files.flatMap(faultOfFile)];
}

/** What is wrong with an existing folder, with the next step. */
export function faultOfFolder(path: string): MamError[] {
  const stat = look(path);
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [fault(path, 'is not a folder', 'Move it away: a new one is made.')];
  return faultOfRights(path, stat, constants.R_OK | constants.W_OK | constants.X_OK);
}

function faultOfFile(path: string): MamError[] {
  const stat = look(path);
  if (stat === undefined) return [];
  const wrong = faultOfKind(path);
  return wrong.length > 0 ? wrong : faultOfRights(path, stat, constants.R_OK | constants.W_OK);
}

function faultOfKind(path: string): MamError[] {
  const stat = look(path);
  if (stat === undefined || stat.isFile()) return [];
  return [fault(path, 'is not a file', 'Move it away: a new one is made.')];
}

function faultOfRights(path: string, stat: Stats, rights: number): MamError[] {
  const word = shellWord(path);
  const why = whyForeign(stat);
  if (why !== undefined) {
    const step = isOwn(stat) ? `chmod -R go-w ${word}` : `sudo chown -R ${userId()} ${word}`;
    return [fault(path, why, `\`${step}\``)];
  }
  try {
    accessSync(path, rights);
    return [];
  } catch (error) {
    const code = systemCode(error) ?? 'unknown error';
    const step =
      code === 'EACCES'
        ? `\`chmod -R u+rwX ${word}\``
        : 'In a sandbox: allow writing to it, or start the hub from outside (`mam hub restart`).';
    return [fault(path, `cannot be read and written (${code})`, step)];
  }
}

function fault(path: string, why: string, step: string): MamError {
  return new MamError('io', `${path} ${why}.`, step);
}

/** A broken link counts as existing, too. */
function look(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false }) ?? lstatSync(path, { throwIfNoEntry: false });
}
