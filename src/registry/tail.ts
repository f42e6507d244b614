import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The end of a file, at most so many bytes of it; empty when it can't be opened. @throws the system's error */
export function tailOf(path: string, bytes: number): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(fd);
    const end = Buffer.alloc(Math.min(size, bytes));
    return end.toString('utf8', 0, readSync(fd, end, 0, end.length, size - end.length));
  } finally {
    closeSync(fd);
  }
}
