import { readFileSync } from 'node:fs';
import type { TmuxServer } from '../../../src/tmux/control.ts';
import { captureBright } from '../../../src/tmux/screen.ts';

/** A screen as captured with `capture-pane -p -e`: its rows, and its rows without dim or reversed text. */
export async function readScreen(path: string | URL): Promise<{ lines: string[]; bright: string[] }> {
  const rows = readFileSync(path, 'utf8').replace(/\n$/, '').split('\n');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is removed here
  const lines = rows.map((row) => row.replace(/\x1b\[[\d;:]*m/g, '').trimEnd());
  const server = { command: async () => rows } as unknown as TmuxServer;
  return { lines, bright: await captureBright(server, '%0') };
}
