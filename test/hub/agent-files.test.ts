import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  newAgentFolder,
  noteOwner,
  placeFiles,
  sweepAgentFiles,
} from '../../src/hub/sessions/agent-files.ts';

/** Above every process id that Linux gives. */
const NOBODY = 2 ** 22 + 1;
const LAUNCH = { args: [], env: {} };

let home: string;
let real: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mam-files-'));
  real = join(home, 'real');
  mkdirSync(real);
  for (const name of ['login', 'settings.json']) writeFileSync(join(real, name), 'of the user');
});
afterEach(() => rmSync(home, { recursive: true }));

/** The files of one agent: one of ours, which replaces the user's, and a link to the user's other files. */
function place(pid: number): string {
  const folder = newAgentFolder(home);
  placeFiles(folder, { ...LAUNCH, files: { 'own/settings.json': 'ours' }, mirrors: { own: real } });
  noteOwner(folder, pid);
  return folder;
}

test("an agent's folder has our files, and links to the user's other files", () => {
  const folder = place(process.pid);
  expect(readFileSync(join(folder, 'own/settings.json'), 'utf8')).toBe('ours');
  expect(readlinkSync(join(folder, 'own/login'))).toBe(join(real, 'login'));
});

test('it is swept when its agent has ended, without what its links lead to', () => {
  const [ended, running] = [place(NOBODY), place(process.pid)];
  sweepAgentFiles(home);
  expect(existsSync(ended)).toBe(false);
  expect(existsSync(running)).toBe(true);
  expect(readFileSync(join(real, 'login'), 'utf8')).toBe('of the user');
});

test('an agent that needs no files has no folder, and one that is just starting keeps its own', () => {
  const none = newAgentFolder(home);
  noteOwner(none, process.pid);
  expect(existsSync(none)).toBe(false);
  const folder = newAgentFolder(home);
  placeFiles(folder, { ...LAUNCH, files: { hooks: 'ours' } });
  sweepAgentFiles(home);
  expect(existsSync(folder)).toBe(true);
});
