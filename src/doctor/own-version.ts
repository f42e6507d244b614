import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseObject } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { atExit } from './groups.ts';
import { numberIn, type Programs } from './programs.ts';

const VERSION_TIMEOUT_MS = 5_000;

/**
 * The version of an agent's program. Read where possible, since by measurement `gemini --version` and
 * `opencode --version` write into the user's home, and take a second.
 * @returns undefined when neither its files nor the program itself say it
 */
export async function ownVersion(path: string, programs: Programs): Promise<string | undefined> {
  const real = realpathSync(path);
  return fromManifest(real) ?? fromPath(real) ?? (await asked(path, programs));
}

/** From the package that the program belongs to. */
function fromManifest(real: string): string | undefined {
  for (let folder = dirname(real); folder !== dirname(folder); folder = dirname(folder)) {
    const text = orElse(() => readFileSync(join(folder, 'package.json'), 'utf8'), '');
    const { version, bin } = parseObject(text);
    if (typeof version === 'string' && bin !== undefined) return numberIn(version);
    if (folder.endsWith('/node_modules')) return undefined;
  }
  return undefined;
}

/** Some installers, such as Claude Code's own and Homebrew, have the version in the path. */
function fromPath(real: string): string | undefined {
  return /\/(\d+\.\d+\.\d+)(?:[_/]|$)/.exec(real)?.[1];
}

/** Asks the program in a temporary home, so that it changes nothing in the user's. */
async function asked(path: string, programs: Programs): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'mam-doctor-'));
  const remove = atExit(() => rmSync(folder, { recursive: true, force: true }));
  try {
    const home = { HOME: folder, TMPDIR: folder };
    const { code, stdout } = await programs.run(path, ['--version'], VERSION_TIMEOUT_MS, home);
    return code === 0 ? numberIn(stdout) : undefined;
  } finally {
    remove();
  }
}
