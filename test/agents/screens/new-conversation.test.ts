import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KINDS } from '../../../src/agents/index.ts';
import { menuRow } from '../../../src/tmux/own-command.ts';
import { classify, find } from '../../../src/tmux/screen.ts';
import { readScreen } from './read.ts';

/**
 * Recorded at 160x50, 80x24 and 40x24 from the versions in the kinds' files: the menu for the command, a moment after Enter
 * (`soon`), and the new conversation (`done`). `main`: the agent does not use the alternate screen. `loading`: it has not
 * loaded the conversation that it resumes, and shows its box.
 */
const FOLDER = new URL('new-conversation/', import.meta.url);
const NAMES = readdirSync(FOLDER).map((file) => file.replace(/\.txt$/, ''));
const linesOf = async (folder: URL, name: string) => (await readScreen(new URL(`${name}.txt`, folder))).lines;

/** Other recorded screens of an empty conversation, by the beginnings of their names; some are not ready. */
const ALSO_NEW: Record<string, RegExp> = {
  'claude-code': /^$/,
  codex: /^ready|^start|^draft|^browsing|^history|^waiting/,
  gemini: /^ready|^start/,
  opencode: /^home|^login|^ready-(?:fresh|after-turn-80x24)/,
};

const kinds = KINDS.filter(({ newConversation }) => newConversation !== undefined);

it('is known for all agents that mam starts', () => {
  expect(kinds.map(({ name }) => name)).toEqual(['claude-code', 'codex', 'gemini', 'opencode']);
});

describe.each(kinds)('the new conversation of $name', ({ name, newConversation: command, screen }) => {
  const own = NAMES.filter((one) => one.startsWith(name));

  it.each(own.filter((one) => /-(done|loading)-/.test(one)))('is seen: %s', async (one) => {
    const lines = await linesOf(FOLDER, one);
    expect(find(lines, command?.done)).toBeDefined();
    expect(classify(lines, screen)).toBe('ready');
  });

  it.each(own.filter((one) => one.includes('-menu-')))('is offered first in the menu: %s', async (one) => {
    const lines = await linesOf(FOLDER, one);
    expect(menuRow({ command }, lines)).toContain(command?.text);
    expect(find(lines, command?.done)).toBeUndefined();
    // Another entry has come first, or is selected.
    const others = lines.map((row) => row.replace(/(?<=^ *[❯┃] )\/(clear|new)\b/, '/$1er'));
    expect(menuRow({ command }, others)).toBeUndefined();
  });

  it('is not seen in any recorded conversation', async () => {
    const folder = new URL(`${name}/`, import.meta.url);
    const names = readdirSync(folder).map((file) => file.replace(/\.txt$/, ''));
    const seen: string[] = [];
    for (const one of names)
      if (find(await linesOf(folder, one), command?.done) !== undefined) seen.push(one);
    expect(seen.filter((one) => ALSO_NEW[name]?.test(one) !== true)).toEqual([]);
    for (const one of own.filter((two) => two.includes('-soon-')))
      if (name !== 'codex') expect(find(await linesOf(FOLDER, one), command?.done)).toBeUndefined();
  });
});
