import { readFileSync } from 'node:fs';
import type { TmuxServer } from '../../../src/tmux/control.ts';
import { captureBright } from '../../../src/tmux/screen.ts';

/** A screen as `capture-pane -p -e` gave it: its rows, and its rows without what is dim or reversed. */
export async function readScreen(path: string | URL): Promise<{ lines: string[]; bright: string[] }> {
  const rows = readFileSync(path, 'utf8').replace(/\n$/, '').split('\n');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is taken out here
  const lines = rows.map((row) => row.replace(/\x1b\[[\d;:]*m/g, '').trimEnd());
  const server = { command: async () => rows } as unknown as TmuxServer;
  return { lines, bright: await captureBright(server, '%0') };
}
