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
import { type ConfigFile, parseConfigFile } from '../settings/config-file.ts';
import { findProjectFolder, PROJECT_FOLDER } from '../settings/project.ts';
import { readProjectConfig, withoutEffect } from '../settings/project-config.ts';
import { whyUnread } from '../trust/files.ts';
import type { Check, Place } from './check.ts';
import { type Found, note, ok, problem } from './finding.ts';

/** What a setting is called in the environment and in a `config.json`. */
const NAMES: readonly (readonly [env: string, key?: keyof ConfigFile])[] = [
  ['MAM_HOME'],
  ['MAM_REGISTRY_DIR', 'registry_dir'],
  ['MAM_LOGS_DIR', 'logs_dir'],
  ['DELEGATE_JOB_LOGS_DIR'],
  ['MAM_BROKER_URL', 'broker_url'],
  ['MAM_BROKER_USERNAME', 'broker_username'],
  ['MAM_BROKER_PASSWORD', 'broker_password'],
  ['MAM_BROKER_CA', 'broker_ca'],
  ['MAM_BROKER_PLAIN'],
  ['MAM_REALM', 'realm'],
  ['TMUX_SERVER_NAME', 'tmux_server_name'],
  ['MAM_ROLE'],
  ['MAM_TOOL_TIMEOUT_SECONDS', 'tool_timeout_seconds'],
  ['MAM_HUB_IDLE_SECONDS', 'hub_idle_seconds'],
  ['MAM_HUB_EVENTS_PER_MINUTE', 'hub_events_per_minute'],
  ['MAM_MAX_DEPTH', 'max_depth'],
  ['MAM_MAX_OPEN_JOBS', 'max_open_jobs'],
];
/** Of the person's own job, in the environment of a validation script. */
const NO_SETTINGS = ['MAM_JOB_DIR'];
const VALUE_CHARS = 200;

interface Read {
  path: string;
  values: ConfigFile;
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
  const none = withoutEffect(config, found ?? { maxDepth: Infinity, maxOpenJobs: Infinity });
  const values = Object.fromEntries(
    Object.entries(config.values).filter(([name]) => none[name] === undefined),
  );
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
  for (const [name, key] of NAMES) {
    const value = env[name];
    const file = files.find(({ values }) => key !== undefined && values[key] !== undefined);
    // A project's limit that is left is the strictest.
    const isLimit = file === files[0] && (key === 'max_depth' || key === 'max_open_jobs');
    if (value && !isLimit) lines.push(`${name}${shown(name, value)} (environment)`);
    else if (key !== undefined && file !== undefined)
      lines.push(`${key}${shown(name, String(file.values[key]))} (${file.path})`);
  }
  for (const { path, values } of files) {
    const kinds = Object.keys(values.agents ?? {});
    if (kinds.length > 0) lines.push(`agents ${cleanLine(kinds.join(', '), VALUE_CHARS)} (${path})`);
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
function shown(name: string, value: string): string {
  if (name === 'MAM_BROKER_PASSWORD' || name === 'MAM_BROKER_USERNAME') return '';
  return `=${cleanLine(name === 'MAM_BROKER_URL' ? redactUrl(value) : value, VALUE_CHARS)}`;
}

function unknownNames(env: Place['env']): Found[] {
  const known = NAMES.map(([name]) => name);
  return Object.keys(env)
    .filter((name) => name.startsWith('MAM_') && !known.includes(name) && !NO_SETTINGS.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      const remedy = near === undefined ? 'Unset it; the README has the list.' : `Is ${near} meant?`;
      return note('settings.unknown', `${cleanLine(name, VALUE_CHARS)} is no setting of mam.`, remedy);
    });
}

function registryOf(
  { settings: found, env, cwd, registryFlag }: Place,
  project: string,
  files: Read[],
): Found[] {
  if (found === undefined) return [];
  const file = files.find(({ values }) => values.registry_dir !== undefined);
  const why = registryFlag
    ? '--registry-dir'
    : env['MAM_REGISTRY_DIR']
      ? 'MAM_REGISTRY_DIR'
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
