import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system in memory, where Linux has one. */
const IN_MEMORY = '/dev/shm';
/** In bytes. The labs of one run held 24 MB at most; those of tests that fell stay. A container may have 64 MB there. */
const ROOM = 256 * 1024 ** 2;

/**
 * The folder that labs are made in: in memory where that has room and runs programs, else the system's. Making and
 * removing their files takes a twentieth of the machine's time on a disk, and the tests of what a full or slow disk does
 * mount their own.
 */
export function scratchFolder(): string {
  if (process.env['TMPDIR'] !== undefined) return tmpdir();
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize >= ROOM && runsPrograms(IN_MEMORY) ? IN_MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** False where a mount option forbids it. */
function runsPrograms(folder: string): boolean {
  const own = mkdtempSync(join(folder, 'mam-'));
  try {
    const program = join(own, 'true');
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
    return spawnSync(program).status === 0;
  } finally {
    rmSync(own, { recursive: true });
  }
}
