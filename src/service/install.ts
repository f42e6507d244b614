import { existsSync, rmSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { execa } from 'execa';
import { MamError } from '../base/errors.ts';
import { makeFolder } from '../base/folders.ts';
import { sha256 } from '../base/sha256.ts';
import { shellWord } from '../base/shell.ts';
import { cleanLine } from '../base/text.ts';
import { userHome, userId } from '../base/user-home.ts';
import type { Settings } from '../settings/config.ts';
import { ownPath } from '../settings/environment.ts';
import { programPath } from '../settings/program.ts';
import { replaceOwn } from '../trust/files.ts';
import { launchdAgent, type Service, systemdUnit, type Unit } from './unit.ts';

/** Such a command answers at once, unless the system's manager is broken. */
const COMMAND_MS = 30_000;
const SHOWN_CHARS = 300;

/**
 * The unit that runs this user's hub.
 * @param config the user's configuration folder, if another one is set (`XDG_CONFIG_HOME`)
 * @throws MamError `unavailable` on a system that has neither systemd nor launchd
 */
export function hubUnit(
  { home }: Settings,
  config?: string,
  platform: NodeJS.Platform = process.platform,
): Unit {
  const isUsual = home === join(userHome(), '.mam');
  const service: Service = {
    name: isUsual ? 'mam-hub' : `mam-hub-${sha256(home).slice(0, 6)}`,
    command: [process.execPath, programPath(), 'hub', 'run'],
    // The manager's own PATH may have no tmux, ssh or agents.
    env: { PATH: ownPath(), ...(!isUsual && { MAM_HOME: home }) },
  };
  if (platform === 'darwin') return launchdAgent(service, userHome(), userId());
  if (platform === 'linux')
    return systemdUnit(service, config && isAbsolute(config) ? config : join(userHome(), '.config'));
  const step = 'Let the system run `mam hub run` in another way.';
  throw new MamError('unavailable', `mam supports no service manager on ${platform}.`, step);
}

/** Writes the unit and starts it. @throws MamError `unavailable` if the system's manager refuses; `io` */
export async function installUnit(unit: Unit): Promise<void> {
  makeFolder(dirname(unit.path));
  // It may be loaded as it was before; launchd takes no second one.
  if (unit.path.endsWith('.plist') && existsSync(unit.path))
    for (const words of unit.end) await run(words, unit).catch(() => {});
  replaceOwn(unit.path, unit.text);
  for (const words of unit.start) await run(words, unit);
}

/** Ends the unit and removes it. @returns false if there was none @throws as `installUnit` */
export async function removeUnit(unit: Unit): Promise<boolean> {
  if (!existsSync(unit.path)) return false;
  for (const words of unit.end) await run(words, unit);
  rmSync(unit.path);
  return true;
}

async function run([file = '', ...args]: readonly string[], { path }: Unit): Promise<void> {
  const { failed, stderr, code } = await execa(file, args, {
    reject: false,
    timeout: COMMAND_MS,
    stdin: 'ignore',
  });
  if (!failed) return;
  const command = [file, ...args].map(shellWord).join(' ');
  const why =
    code === 'ENOENT' ? `${file} was not found` : cleanLine(String(stderr), SHOWN_CHARS) || 'it failed';
  throw new MamError(
    'unavailable',
    `\`${command}\` failed: ${why}.`,
    `Run it yourself to see why, or let the system run \`mam hub run\` in another way. ${path} is there until you remove it.`,
  );
}
