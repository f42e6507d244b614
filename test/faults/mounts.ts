import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * Small file systems and our own boot id, if this process may mount: it runs in a separate mount namespace, so that
 * nobody else sees them and they end with it.
 */
export class Mounts {
  readonly folders: string[] = [];
  /** True if the machine's boot id can be replaced. */
  readonly boot: boolean;

  constructor(bootFile: string) {
    if (process.env['FAULTS_NAMESPACE'] !== '1') {
      this.boot = false;
      return;
    }
    writeFileSync(bootFile, readFileSync(BOOT_ID));
    this.boot = run('mount', '--bind', bootFile, BOOT_ID);
  }

  /** Makes a folder a file system of this size, if possible. */
  small(folder: string, size: string): void {
    if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    if (process.env['FAULTS_NAMESPACE'] !== '1') return;
    if (run('mount', '-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder))
      this.folders.push(folder);
  }

  end(): void {
    for (const folder of this.folders.splice(0)) run('umount', '-l', folder);
    if (this.boot) run('umount', '-l', BOOT_ID);
  }
}

/** Fills a file system to its last byte. @returns a function that makes room again */
export function fill(folder: string): () => void {
  const path = join(folder, 'ballast');
  const file = openSync(path, 'w', 0o600);
  try {
    for (const size of [1024 ** 2, 4096, 1]) for (const block = Buffer.alloc(size); writes(file, block); );
  } finally {
    closeSync(file);
  }
  return () => rmSync(path, { force: true });
}

function writes(file: number, block: Buffer): boolean {
  try {
    return writeSync(file, block) === block.length;
  } catch {
    return false;
  }
}

function run(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
