import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { userId } from '../base/user-home.ts';
import { PROJECT_FOLDER } from '../settings/project.ts';
import type { Check } from './check.ts';
import { type Found, note, problem } from './finding.ts';

/** Who runs this, as the system and the environment know it, and what lies above everybody's projects. */
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
  const title = `HOME is ${home === '' ? 'empty' : `no whole path: ${home}`}. Programs look for their files in different places then.`;
  return [
    problem('settings.home', title, 'Set HOME to your home folder, or unset it: mam then asks the system.'),
  ];
}

function entryOf(): Found[] {
  try {
    userInfo();
    return [];
  } catch {
    const title = `The system has no entry for this user (uid ${userId()}), as in a container that was given another uid.`;
    const remedy = 'Set HOME to a folder of yours that stays; mam needs no more than that.';
    return [note('settings.user', title, remedy)];
  }
}

/**
 * A server that was once started in the root folder has made a registry there; it is not used any more.
 * @param root the folder above all
 */
export function aboveAll(root: string): Found[] {
  const folder = join(root, PROJECT_FOLDER);
  if (!existsSync(folder)) return [];
  const title = `${folder} is there. It belongs to no project, and mam does not use it.`;
  const remedy = `Look whether it has jobs of worth (\`mam list --registry-dir ${folder}/jobs\`), then remove it.`;
  return [note('settings.root', title, remedy)];
}
