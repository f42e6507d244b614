import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Mounts a separate small file system: root ignores chmod, but not a full disk. @returns false if that is not allowed */
export function mountSmall(folder: string, size: string): boolean {
  mkdirSync(folder, { recursive: true });
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder]);
  return status === 0;
}

export function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder]);
}

/** True if a test may mount something. */
export const mayMount = (() => {
  const probe = join(tmpdir(), `mam-mount-${process.pid}`);
  const possible = mountSmall(probe, '64k');
  if (possible) unmount(probe);
  rmSync(probe, { recursive: true, force: true });
  return possible;
})();

/** Fills a file system to its last byte. @returns a function that makes room again */
export function fill(folder: string): () => void {
  const file = join(folder, 'ballast');
  spawnSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=1k'], { stdio: 'ignore' });
  return () => rmSync(file);
}
