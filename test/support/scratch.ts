import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Linux's file system in memory. */
const IN_MEMORY = '/dev/shm';
/** In bytes. The labs of one run take at most 24 MB; those of failed tests stay. A container may have 64 MB there. */
const ROOM = 256 * 1024 ** 2;

/**
 * The folder for labs: in memory if that has room and can run programs, otherwise the system's. On a disk, making and
 * removing their files takes a twentieth of the machine's time; tests of a full or slow disk mount their own.
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

/** False if a mount option forbids it. */
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
