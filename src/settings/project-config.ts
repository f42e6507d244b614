import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { type MamError, systemCode } from '../base/errors.ts';
import { cleanLine } from '../base/text.ts';
import { readForeignBytes, whyUnread } from '../trust/files.ts';
import { isOwn } from '../trust/owner.ts';
import { parseConfigFile, settingsIn } from './config-file.ts';
import { ALL_SETTINGS, type Given, type Values } from './table.ts';

/** Long enough for the reason; a path or a name can be of any length. */
const NOTICE_CHARS = 700;

/** What was ignored in a project's file and why, and the next step for a person and for a model. */
export interface Notice {
  what: string;
  person: string;
  model: string;
  /** Agent kinds that take effect once the file is trusted. */
  kinds: readonly string[];
}

/** A project's `config.json`, and which of its settings are used. */
export interface ProjectConfig {
  path: string;
  /** `none`: nothing in it needs trust. `invalid`: nothing in it is used, trusted or not. */
  state: 'absent' | 'none' | 'untrusted' | 'changed' | 'trusted' | 'invalid';
  values: Given;
  /** The file's settings by key, used or not, valid or not. */
  all: Readonly<Record<string, unknown>>;
  /** Keys of settings that are ignored until `mam trust`, or always. */
  ignored: readonly string[];
  notice?: Notice | undefined;
  /** SHA-256 of the file; only for one that `mam trust` can accept. */
  sha256?: string | undefined;
}

/**
 * Reads the `config.json` of a project's folder, which may come from anywhere, for instance with a clone. It never
 * fails: whatever is wrong is ignored and reported.
 * @param folder the project's `.mam`
 * @param home `MAM_HOME`, which records what was trusted
 */
export async function readProjectConfig(folder: string, home: string): Promise<ProjectConfig> {
  const path = join(folder, 'config.json');
  const nothing = { path, values: {}, all: {}, ignored: [] };
  const unread = (what: string, next: string): ProjectConfig => ({
    ...nothing,
    state: 'invalid',
    notice: noticeOf(what, next),
  });
  let bytes: Buffer;
  try {
    // Both file and folder must be this user's own; then only the content decides.
    for (const [place, what] of [
      [folder, `The config.json in ${folder} is ignored: the folder`],
      [path, `${path} is ignored: it`],
    ] as const) {
      const stat = lstatSync(place);
      if (!stat.isSymbolicLink() && isOwn(stat)) continue;
      const why = stat.isSymbolicLink() ? 'is a link' : `belongs to another user (uid ${stat.uid})`;
      return unread(`${what} ${why}.`, 'Put one of your own in its place, or remove it.');
    }
    bytes = readForeignBytes(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { ...nothing, state: 'absent' };
    return unread(`${path} is ignored: ${whyUnread(error)}.`, 'Put a plain file in its place, or remove it.');
  }
  const text = bytes.toString('utf8');
  const all = settingsIn(text);
  let values: Given;
  try {
    values = parseConfigFile(path, text, dirname(folder));
  } catch (error) {
    // The error names the file and the setting, and what to do.
    const { message, hint } = error as MamError;
    const wrong = unread(`${message} All of it is ignored until this is fixed.`, hint);
    return { ...wrong, all, ignored: Object.keys(all) };
  }
  return judge({ path, all, values }, bytes, home);
}

async function judge(
  { path, all, values }: Pick<ProjectConfig, 'path' | 'all' | 'values'>,
  bytes: Buffer,
  home: string,
): Promise<ProjectConfig> {
  for (const { field, inProject } of ALL_SETTINGS) if (inProject === 'never') delete values[field];
  const root = dirname(dirname(path));
  const refused = ALL_SETTINGS.filter(({ field, inProject }) => {
    if (values[field] === undefined) return false;
    return inProject === 'inside' ? !isInside(root, String(values[field])) : inProject === undefined;
  });
  if (refused.length === 0) return { path, state: 'none', values, all, ignored: [] };
  // Loaded only now: its hashes take a few ms of a command line.
  const { readTrust } = await import('../trust/trusted.ts');
  const { sha256, trusted } = await readTrust(home, path, bytes);
  if (trusted === sha256) return { path, state: 'trusted', values, all, ignored: [], sha256 };
  const rest = { ...values };
  for (const { field } of refused) delete rest[field];
  const ignored = refused.flatMap(({ key }) => key ?? []);
  const state = trusted === undefined ? 'untrusted' : 'changed';
  const why = state === 'untrusted' ? 'which you have not trusted' : 'and has changed since you trusted it';
  const notice = noticeOf(
    `${path} sets ${listed(ignored)}, ${why}: ${ignored.length === 1 ? 'that is' : 'those are'} ignored.`,
    '`mam trust --show` shows it, `mam trust` accepts it.',
    // A model must not accept what a clone asks for.
    'Tell your user: only a person should run `mam trust`, after `mam trust --show`.',
    Object.keys(values.agents ?? {}),
  );
  return { path, state, values: rest, all, ignored, notice, sha256 };
}

/** The keys of a project's file that never have an effect, and why. @param limits the effective ones, if known */
export function withoutEffect(
  { all }: Pick<ProjectConfig, 'all'>,
  limits: Partial<Values> | undefined,
): Record<string, string> {
  const none: Record<string, string> = {};
  for (const { key, field, inProject } of ALL_SETTINGS) {
    if (key === undefined || all[key] === undefined) continue;
    if (inProject === 'never') none[key] = 'only the one in MAM_HOME counts';
    if (inProject === 'stricter' && Number(all[key]) > Number(limits?.[field])) none[key] = 'not stricter';
  }
  return none;
}

function noticeOf(what: string, person: string, model = person, kinds: readonly string[] = []): Notice {
  return { what: cleanLine(what, NOTICE_CHARS), person, model, kinds };
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** True for a folder that is in the project, links resolved, and not in its `.git`. */
function isInside(root: string, value: string): boolean {
  const wanted = resolve(root, value);
  // What is missing can't be a link: the nearest existing folder decides.
  for (let place = wanted, rest = ''; ; rest = join(basename(place), rest), place = dirname(place)) {
    try {
      const real = join(realpathSync(place), rest);
      const within = real.slice(realpathSync(root).length);
      return real.startsWith(realpathSync(root) + sep) && !within.split(sep).some((name) => name === '.git');
    } catch (error) {
      // A broken link may lead anywhere later.
      if (systemCode(error) !== 'ENOENT' || lstatSync(place, { throwIfNoEntry: false }) !== undefined)
        return false;
      if (place === dirname(place)) return false;
    }
  }
}
