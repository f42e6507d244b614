import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MamError, systemCode } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { cleanLine, counted } from '../base/text.ts';
import { knownUserHome } from '../base/user-home.ts';
import { gone } from '../base/working-folder.ts';
import { redactUrls } from '../bus/address.ts';
import { makeLogFolder } from '../order/delegation-checks.ts';
import { brokerUrls } from '../settings/broker-settings.ts';
import { ownConfigText } from '../settings/config.ts';
import { parseConfigFile } from '../settings/config-file.ts';
import { findProjectFolder, PROJECT_FOLDER } from '../settings/project.ts';
import { readProjectConfig, withoutEffect } from '../settings/project-config.ts';
import { ALL_SETTINGS, type Given, NO_SETTINGS, namesOf, SETTINGS, type Setting } from '../settings/table.ts';
import { whyUnread } from '../trust/files.ts';
import type { Check, Place } from './check.ts';
import { type Found, failure, note, ok } from './finding.ts';

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
    // In the order of precedence.
    const files = [await readProject(project, place), readOwn(place.home)];
    const found = files.flatMap(({ findings }) => findings);
    return [
      // Everything else works as from the nearest existing folder above.
      ...(existsSync(place.cwd) ? [] : [failure('settings.directory', gone(place.cwd))]),
      ...(found.some(({ level }) => level === 'problem') ? [] : refusal(place)),
      ...found,
      ...unknownNames(place.env),
      sources(place, files),
      ...registryOf(place, project, files),
      ...logsOf(place),
    ];
  },
};

/** The settings of a project's file that have an effect, and those that are ignored. */
async function readProject(folder: string, { home, settings: found }: Place): Promise<Read> {
  const config = await readProjectConfig(folder, home);
  const { path, notice, state } = config;
  const none = withoutEffect(config, found);
  const values = { ...config.values };
  for (const { key, field } of ALL_SETTINGS)
    if (key !== undefined && none[key] !== undefined) delete values[field];
  const useless = ALL_SETTINGS.flatMap(({ key, inProject }) =>
    inProject === 'never' && key !== undefined && none[key] !== undefined ? [key] : [],
  );
  const finding =
    notice !== undefined
      ? note('settings.project', notice.what, notice.person)
      : useless.length > 0
        ? withoutUse(path, useless, home)
        : understood(path);
  return { path, values, findings: notice === undefined && state === 'absent' ? [] : [finding] };
}

function withoutUse(path: string, keys: readonly string[], home: string): Found {
  const has = keys.length === 1 ? 'which has' : 'which have';
  const title = `${path} sets ${keys.join(' and ')}, ${has} no effect: only the one in MAM_HOME counts.`;
  return note('settings.project', title, `If you want it, put it into ${join(home, 'config.json')}.`);
}

function readOwn(home: string): Read {
  const path = join(home, 'config.json');
  try {
    return { path, values: parseConfigFile(path, ownConfigText(home)), findings: [understood(path)] };
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { path, values: {}, findings: [] };
    const why = `The settings in ${path} are not used: ${whyUnread(error)}.`;
    const remedy = 'Replace it with a file that you can read, or remove it.';
    const known = error instanceof MamError ? error : new MamError('io', why, remedy);
    return { path, values: {}, findings: [failure('settings.file', known)] };
  }
}

function understood(path: string): Found {
  return ok('settings.file', `${path} is valid`);
}

/** What is wrong with the settings apart from their files. */
function refusal({ refused }: Place): Found[] {
  if (refused === undefined) return [];
  const detail = 'Without settings, the checks of tmux sockets, hub, broker and registry were skipped.';
  return [{ ...failure('settings.refused', refused, 'Fix the setting.'), detail }];
}

/** Every setting that is not at its default, and where it comes from. */
function sources({ env, registryFlag }: Place, files: Read[]): Found {
  const set: [name: string, value: string][] =
    registryFlag === undefined ? [] : [['registry_dir', ` ${registryFlag} (--registry-dir)`]];
  for (const setting of ALL_SETTINGS) {
    const { key, field, inProject } = setting;
    const name = namesOf(setting).find((one) => env[one]);
    const file = files.find(({ values }) => values[field] !== undefined);
    // A project's limit that remains is the strictest.
    const isLimit = file === files[0] && inProject === 'stricter';
    if (name !== undefined && !isLimit)
      set.push([name, `${shown(setting, String(env[name]))} (environment)`]);
    else if (file !== undefined && key !== undefined)
      set.push([key, `${shown(setting, file.values[field])} (${file.path})`]);
  }
  const id = 'settings.sources';
  if (set.length === 0) return ok(id, 'Every setting has its default value');
  // The values are in the details: some of them a user may not want on a shared screen.
  const names = set.map(([name]) => name).join(', ');
  const lines = set.map(([name, value]) => `${name}${value}`);
  return ok(id, `${counted(set.length, 'setting is', 'settings are')} set: ${names}`, lines.join('\n'));
}

function shown({ shown: rule, kind }: Setting, value: unknown): string {
  if (rule !== undefined) return '';
  if (kind === 'agents') return ` ${cleanLine(Object.keys(value ?? {}).join(', '), VALUE_CHARS)}`;
  return `=${cleanLine(kind === 'url' ? redactUrls(brokerUrls(String(value))) : String(value), VALUE_CHARS)}`;
}

function unknownNames(env: Place['env']): Found[] {
  const known = ALL_SETTINGS.flatMap(namesOf);
  const ours: readonly string[] = [...known, ...NO_SETTINGS];
  return Object.keys(env)
    .filter((name) => name.startsWith('MAM_') && !ours.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      const remedy =
        near === undefined ? 'Unset it; docs/settings.md has the list.' : `Did you mean ${near}?`;
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
  const variable = SETTINGS.registryDir.env;
  const given = registryFlag ? '--registry-dir' : env[variable] && variable;
  const why = given || (file?.path ?? projectReason(project, cwd));
  return [ok('settings.registry', `Jobs are kept in ${found.registryDir} (${why})`)];
}

/** A log folder outside the registry. */
function logsOf({ settings: found }: Place): Found[] {
  if (found?.logsDir === undefined) return [];
  const id = 'settings.logs';
  try {
    makeLogFolder(found.logsDir, true);
    return [ok(id, `Logs of jobs are kept in ${found.logsDir}`)];
  } catch (error) {
    return [failure(id, error)];
  }
}

function projectReason(project: string, cwd: string): string {
  if (existsSync(project))
    return project === join(cwd, PROJECT_FOLDER) ? 'in this folder' : 'in a folder above this one';
  return dirname(project) === cwd
    ? 'the first job creates it here'
    : 'the first job creates it, for the repository';
}
