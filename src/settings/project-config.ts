import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { type MamError, systemCode } from '../base/errors.ts';
import { cleanLine } from '../base/text.ts';
import { readForeignBytes, whyUnread } from '../trust/files.ts';
import { isOwn } from '../trust/owner.ts';
import type { ConfigFile } from './config-file.ts';

/**
 * What a project's file may set by itself: it can make nothing run, name no address, socket or folder outside of the
 * project, and lift no limit. Everything else counts only after `mam trust`.
 */
const HARMLESS: ReadonlySet<string> = new Set([
  'tool_timeout_seconds',
  // The hub reads no project's file.
  'hub_idle_seconds',
  'hub_events_per_minute',
  // Only where they are lower than the user's own: see config.ts.
  'max_depth',
  'max_open_jobs',
]);
/** Harmless where they lead to a place inside of the project. */
const FOLDERS: ReadonlySet<string> = new Set(['registry_dir', 'logs_dir']);

/** Long enough for the reason; a path or a setting's name may be anything. */
const NOTICE_CHARS = 700;

/** What was ignored of a project's file and why, and the next step of a person and of a model that reads it. */
export interface Notice {
  what: string;
  person: string;
  model: string;
  /** Agent kinds that would count once the file is trusted. */
  kinds: readonly string[];
}

/** A project's `config.json`, as far as it is obeyed. */
export interface ProjectConfig {
  path: string;
  /** `none`: nothing in it needs trust. `invalid`: nothing of it is obeyed, whatever is accepted. */
  state: 'absent' | 'none' | 'untrusted' | 'changed' | 'trusted' | 'invalid';
  values: ConfigFile;
  /** What the file says, obeyed or not, and valid or not. */
  all: Readonly<Record<string, unknown>>;
  /** Settings that are not obeyed before `mam trust`, or not at all. */
  ignored: readonly string[];
  /** Nothing when all of it is obeyed. */
  notice?: Notice | undefined;
  /** SHA-256 of the file; only for one that `mam trust` can accept. */
  sha256?: string | undefined;
}

/**
 * Reads the `config.json` of a project's folder, which may come from anywhere: a clone brings it. It never fails, and
 * never stops anything else: what is wrong is ignored, and named.
 * @param folder the project's `.mam`
 * @param home `MAM_HOME`, which knows what was trusted
 */
export async function readProjectConfig(folder: string, home: string): Promise<ProjectConfig> {
  const path = join(folder, 'config.json');
  const unread = (what: string, next: string): ProjectConfig => ({
    path,
    state: 'invalid',
    values: {},
    all: {},
    ignored: [],
    notice: noticeOf(what, next),
  });
  let bytes: Buffer;
  try {
    // Only a file of this user's in a folder of this user's; what it says is judged by its content alone.
    for (const place of [folder, path]) {
      const stat = lstatSync(place);
      const why = stat.isSymbolicLink()
        ? 'is a link'
        : isOwn(stat)
          ? undefined
          : `belongs to another user (uid ${stat.uid})`;
      if (why !== undefined)
        return unread(
          place === path
            ? `${path} is ignored: it ${why}.`
            : `The config.json in ${folder} is ignored: the folder ${why}.`,
          'Put one of your own in its place, or remove it.',
        );
    }
    bytes = readForeignBytes(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return { path, state: 'absent', values: {}, all: {}, ignored: [] };
    return unread(`${path} is ignored: ${whyUnread(error)}.`, 'Put a plain file in its place, or remove it.');
  }
  // Loaded only where there is a file to check: zod costs a command line 15 ms.
  const { knownSettings, parseConfigFile } = await import('./config-file.ts');
  let values: ConfigFile;
  try {
    values = parseConfigFile(path, bytes.toString('utf8'));
  } catch (error) {
    // Names the file and the setting, and what to do.
    const { message, hint } = error as MamError;
    const all = knownSettings(bytes.toString('utf8'));
    const notice = noticeOf(`${message} All of it is ignored until this is fixed.`, hint);
    return { path, state: 'invalid', values: {}, all, ignored: Object.keys(all), notice };
  }
  return judge(path, values, bytes, home);
}

async function judge(path: string, values: ConfigFile, bytes: Buffer, home: string): Promise<ProjectConfig> {
  const root = dirname(dirname(path));
  const names = Object.keys(values) as (keyof ConfigFile)[];
  const ignored = names.filter(
    (name) => !HARMLESS.has(name) && !(FOLDERS.has(name) && isInside(root, String(values[name]))),
  );
  if (ignored.length === 0) return { path, state: 'none', values, all: values, ignored };
  // Its hashes cost a command line some ms more.
  const { readTrust } = await import('../trust/trusted.ts');
  const { sha256, trusted } = await readTrust(home, path, bytes);
  if (trusted === sha256) return { path, state: 'trusted', values, all: values, ignored: [], sha256 };
  const rest = Object.fromEntries(
    Object.entries(values).filter(([name]) => !ignored.includes(name as never)),
  );
  const state = trusted === undefined ? 'untrusted' : 'changed';
  const why = state === 'untrusted' ? 'which you have not trusted' : 'and has changed since you trusted it';
  const notice = noticeOf(
    `${path} sets ${listed(ignored)}, ${why}: ${ignored.length === 1 ? 'that is' : 'those are'} ignored.`,
    '`mam trust --show` shows it, `mam trust` accepts it.',
    // It must not accept by itself what a clone asks for.
    'Tell your user: only a person should run `mam trust`, after `mam trust --show`.',
    Object.keys(values.agents ?? {}),
  );
  return { path, state, values: rest, all: values, ignored, notice, sha256 };
}

/**
 * What of a project's file never has an effect, accepted or not, and why.
 * @param limits those in force
 */
export function withoutEffect(
  { all }: Pick<ProjectConfig, 'all'>,
  limits: { maxDepth: number; maxOpenJobs: number },
): Record<string, string> {
  const none: Record<string, string> = {};
  for (const name of ['hub_idle_seconds', 'hub_events_per_minute'])
    if (all[name] !== undefined) none[name] = "only MAM_HOME's counts";
  for (const [name, limit] of [
    ['max_depth', limits.maxDepth],
    ['max_open_jobs', limits.maxOpenJobs],
  ] as const)
    if (Number(all[name]) > limit) none[name] = 'not stricter';
  return none;
}

function noticeOf(what: string, person: string, model = person, kinds: readonly string[] = []): Notice {
  return { what: cleanLine(what, NOTICE_CHARS), person, model, kinds };
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** True for a folder that really lies in the project, links resolved, and not in its `.git`. */
function isInside(root: string, value: string): boolean {
  const wanted = resolve(root, value);
  // What is missing can't be a link: the nearest that is there decides.
  for (let place = wanted, rest = ''; ; rest = join(basename(place), rest), place = dirname(place)) {
    try {
      const real = join(realpathSync(place), rest);
      const within = real.slice(realpathSync(root).length);
      return real.startsWith(realpathSync(root) + sep) && !within.split(sep).some((name) => name === '.git');
    } catch (error) {
      // A link that leads nowhere may lead anywhere later.
      if (systemCode(error) !== 'ENOENT' || lstatSync(place, { throwIfNoEntry: false }) !== undefined)
        return false;
      if (place === dirname(place)) return false;
    }
  }
}
