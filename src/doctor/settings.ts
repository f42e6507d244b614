import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { explain, MamError, systemCode } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { cleanLine } from '../base/text.ts';
import { knownUserHome } from '../base/user-home.ts';
import { gone } from '../base/working-folder.ts';
import { redactUrl } from '../bus/address.ts';
import { makeLogFolder } from '../order/delegation-checks.ts';
import { ownConfigText } from '../settings/config.ts';
import { parseConfigFile } from '../settings/config-file.ts';
import { findProjectFolder, PROJECT_FOLDER } from '../settings/project.ts';
import { readProjectConfig, withoutEffect } from '../settings/project-config.ts';
import {
  ALL_SETTINGS,
  CHECK_VARIABLES,
  type Given,
  namesOf,
  SETTINGS,
  type Setting,
} from '../settings/table.ts';
import { whyUnread } from '../trust/files.ts';
import type { Check, Place } from './check.ts';
import { type Found, note, ok, problem } from './finding.ts';

const VALUE_CHARS = 200;

interface Read {
  path: string;
  values: Given;
  findings: Found[];
}

/** The configuration files, where each setting comes from, and where the registry is. */
export const settings: Check = {
  name: 'settings',
  area: 'settings',
  limitMs: 3_000,

  async look(place) {
    const project = findProjectFolder(place.cwd, place.home, knownUserHome());
    // In the order in which they count.
    const files = [await readProject(project, place), readOwn(place.home)];
    const told = files.flatMap(({ findings }) => findings);
    return [
      ...(existsSync(place.cwd) ? [] : [removed(place.cwd)]),
      ...(told.some(({ level }) => level === 'problem') ? [] : refusal(place)),
      ...told,
      ...unknownNames(place.env),
      sources(place, files),
      ...registryOf(place, project, files),
      ...logsOf(place),
    ];
  },
};

/** Everything else goes on as from the nearest folder above that is there. */
function removed(folder: string): Found {
  const { message, hint } = gone(folder);
  return problem('settings.directory', message, hint);
}

/** What counts of a project's file, and what is ignored. */
async function readProject(folder: string, { home, settings: found }: Place): Promise<Read> {
  const config = await readProjectConfig(folder, home);
  const { path, notice, state } = config;
  const none = withoutEffect(config, found);
  const values = { ...config.values };
  for (const { key, field } of ALL_SETTINGS)
    if (key !== undefined && none[key] !== undefined) delete values[field];
  if (notice !== undefined)
    return { path, values, findings: [note('settings.project', notice.what, notice.person)] };
  return { path, values, findings: state === 'absent' ? [] : [ok('settings.file', `${path} is understood`)] };
}

function readOwn(home: string): Read {
  const id = 'settings.file';
  const path = join(home, 'config.json');
  let text: string;
  try {
    text = ownConfigText(home);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { path, values: {}, findings: [] };
    const { message, hint } =
      error instanceof MamError
        ? error
        : {
            message: `The settings of ${path} do not count: ${whyUnread(error)}.`,
            hint: 'Put a file there that you can read, or remove it.',
          };
    return { path, values: {}, findings: [problem(id, message, hint)] };
  }
  try {
    return { path, values: parseConfigFile(path, text), findings: [ok(id, `${path} is understood`)] };
  } catch (error) {
    const { message, hint } = error as MamError;
    return { path, values: {}, findings: [problem(id, message, hint)] };
  }
}

/** What else is wrong with the settings than their files. */
function refusal({ refused }: Place): Found[] {
  if (refused === undefined) return [];
  const known = refused instanceof MamError ? refused : new MamError('internal', explain(refused));
  const detail = 'Without settings, the checks of tmux sockets, hub, broker and registry were left out.';
  return [problem('settings.refused', known.message, known.hint || 'Mend the setting.', detail)];
}

/** Every setting that is not left at its default, and who says so. */
function sources({ env, registryFlag }: Place, files: Read[]): Found {
  const lines = registryFlag === undefined ? [] : [`registry_dir ${registryFlag} (--registry-dir)`];
  for (const setting of ALL_SETTINGS) {
    const { key, field, inProject } = setting;
    const name = namesOf(setting).find((one) => env[one]);
    const file = files.find(({ values }) => values[field] !== undefined);
    // A project's limit that is left is the strictest.
    const isLimit = file === files[0] && inProject === 'stricter';
    if (name !== undefined && !isLimit)
      lines.push(`${name}${shown(setting, String(env[name]))} (environment)`);
    else if (file !== undefined) lines.push(`${key}${shown(setting, file.values[field])} (${file.path})`);
  }
  const id = 'settings.sources';
  if (lines.length === 0) return ok(id, 'Every setting has its default');
  return ok(
    id,
    `${lines.length} ${lines.length === 1 ? 'setting is' : 'settings are'} given`,
    lines.join('\n'),
  );
}

/** A value as it may stand in a bug report. */
function shown({ shown: rule, kind }: Setting, value: unknown): string {
  if (rule !== undefined) return '';
  if (kind === 'agents') return ` ${cleanLine(Object.keys(value ?? {}).join(', '), VALUE_CHARS)}`;
  return `=${cleanLine(kind === 'url' ? redactUrl(String(value)) : String(value), VALUE_CHARS)}`;
}

function unknownNames(env: Place['env']): Found[] {
  const known = ALL_SETTINGS.flatMap(namesOf);
  const ours: readonly string[] = [...known, ...Object.values(CHECK_VARIABLES)];
  return Object.keys(env)
    .filter((name) => name.startsWith('MAM_') && !ours.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      const remedy = near === undefined ? 'Unset it; the README has the list.' : `Is ${near} meant?`;
      return note('settings.unknown', `Unknown setting ${cleanLine(name, VALUE_CHARS)}.`, remedy);
    });
}

function registryOf(
  { settings: found, env, cwd, registryFlag }: Place,
  project: string,
  files: Read[],
): Found[] {
  if (found === undefined) return [];
  const file = files.find(({ values }) => values.registryDir !== undefined);
  const why = registryFlag
    ? '--registry-dir'
    : env[SETTINGS.registryDir.env]
      ? SETTINGS.registryDir.env
      : (file?.path ?? projectReason(project, cwd));
  return [ok('settings.registry', `Jobs are kept in ${found.registryDir} (${why})`)];
}

/** A log folder that jobs would have apart from the registry; whether a hub runs or not. */
function logsOf({ settings: found }: Place): Found[] {
  if (found?.logsDir === undefined) return [];
  const id = 'settings.logs';
  try {
    makeLogFolder(found.logsDir, true);
    return [ok(id, `Logs of jobs are kept in ${found.logsDir}`)];
  } catch (error) {
    const { message, hint } = error as MamError;
    return [problem(id, message, hint)];
  }
}

function projectReason(project: string, cwd: string): string {
  const there = statSync(project, { throwIfNoEntry: false }) !== undefined;
  if (there) return project === join(cwd, PROJECT_FOLDER) ? 'of this folder' : 'found upwards from here';
  return dirname(project) === cwd
    ? 'made here by the first job'
    : 'made by the first job, for the repository';
}
