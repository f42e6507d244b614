import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { userId } from '../base/user-home.ts';
import { PROJECT_FOLDER } from '../settings/project.ts';
import type { Check } from './check.ts';
import { type Found, note, problem } from './finding.ts';

/** The user, as the system and the environment know them, and a registry above all projects. */
export const user: Check = {
  name: 'user',
  area: 'settings',
  limitMs: 2_000,

  async look({ env }) {
    return [...homeOf(env['HOME']), ...entryOf(), ...aboveAll('/')];
  },
};

function homeOf(home: string | undefined): Found[] {
  if (home === undefined || isAbsolute(home)) return [];
  const title = `HOME is ${home === '' ? 'empty' : `not an absolute path: ${home}`}. Programs then look for their files in different places.`;
  const remedy = 'Set HOME to your home folder, or unset it: mam then asks the system.';
  return [problem('settings.home', title, remedy)];
}

function entryOf(): Found[] {
  try {
    userInfo();
    return [];
  } catch {
    const title = `The system has no entry for this user (uid ${userId()}), as in a container that was given another uid.`;
    const remedy = 'Set HOME to a permanent folder of yours; mam needs nothing else.';
    return [note('settings.user', title, remedy)];
  }
}

/** A server that was started in the root folder may have made a registry there; it is no longer used. */
export function aboveAll(root: string): Found[] {
  const folder = join(root, PROJECT_FOLDER);
  if (!existsSync(folder)) return [];
  const title = `${folder} exists. It belongs to no project, and mam does not use it.`;
  const remedy = `Check whether it has jobs that you need (\`mam list --registry-dir ${folder}/jobs\`), then remove it.`;
  return [note('settings.root', title, remedy)];
}
