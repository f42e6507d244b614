import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A third-party program that talks to our server. */
export interface ClientProgram {
  /** Folder below `.agents/`. */
  folder: string;
  npm: { name: string; version: string };
  /** Its script, from the package's folder. */
  script: string;
}

export const INSPECTOR: ClientProgram = {
  folder: 'inspector',
  npm: { name: '@modelcontextprotocol/inspector', version: '2.12.0' },
  script: 'clients/launcher/build/index.js',
};

/** The newest that runs on Node 20: later ones call fs.globSync. */
export const CONFORMANCE: ClientProgram = {
  folder: 'conformance',
  npm: { name: '@modelcontextprotocol/conformance', version: '0.1.13' },
  script: 'dist/index.js',
};

/** Where they are installed: beside the project's own dependencies, with the agents. */
const FOLDER = resolve(import.meta.dirname, '../../.agents');

function packageOf({ folder, npm }: ClientProgram): string {
  return join(FOLDER, folder, 'node_modules', npm.name);
}

/** Absolute path of its script. */
export function scriptOf(program: ClientProgram): string {
  return join(packageOf(program), program.script);
}

/** Installs it at its pinned version, if it is missing. @throws if npm fails */
export function install(program: ClientProgram): void {
  const manifest = join(packageOf(program), 'package.json');
  const { name, version } = program.npm;
  if (
    existsSync(manifest) &&
    (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version === version
  )
    return;
  const folder = join(FOLDER, program.folder);
  mkdirSync(folder, { recursive: true });
  // The Inspector names a newer Node than it needs; without --force npm takes an old version of it.
  const args = [
    'install',
    '--force',
    '--prefix',
    folder,
    '--no-save',
    '--no-package-lock',
    '--no-audit',
    '--no-fund',
  ];
  execFileSync('npm', [...args, '--prefer-offline', '--loglevel=error', `${name}@${version}`], {
    stdio: 'inherit',
  });
}
