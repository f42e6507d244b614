import { describe, expect, it } from 'vitest';
import { gemini as kind } from '../../../src/agents/gemini.ts';
import type { DialogName } from '../../../src/agents/kind.ts';
import { classify, find, type ScreenState } from '../../../src/tmux/screen.ts';
import { inOneLine } from '../one-line.ts';
import { readScreen } from './read.ts';

/** Recorded from Gemini CLI 0.61.0 in tmux 3.3a, 100x30 with true colour unless the name says otherwise. */
const screen = (name: string) => readScreen(new URL(`gemini/${name}.txt`, import.meta.url));

const dialog = new RegExp(kind.dialogs.map(({ pattern }) => `(?:${pattern.source})`).join('|'), 'm');
const patterns = { ...kind.screen, dialog };
const shown = (lines: string[]) => kind.dialogs.find(({ pattern }) => find(lines, pattern) !== undefined);

const STATES: Record<string, ScreenState> = {
  'ready-fresh': 'ready',
  'ready-after-turn': 'ready',
  // Without COLORTERM, 80x24: the box has no edges.
  'nocolor-ready': 'ready',
  'nocolor-cancelled': 'ready',
  'nocolor-draft': 'ready',
  'yolo-ready': 'ready',
  'vim-insert': 'ready',
  // Narrowed: rows of the wider screen stay below the footer.
  'resized-80x24': 'ready',
  'resized-50x24': 'ready',
  'resized-200x50': 'ready',
  'help-shortcuts': 'ready',
  'esc-once': 'ready',
  'exit-confirm-ctrl-c': 'ready',
  denied: 'ready',
  'denied-shell': 'ready',
  interrupted: 'ready',
  'interrupted-with-draft': 'ready',
  'api-error-400': 'ready',
  'quota-stopped': 'ready',
  // The agent has printed a dialog, a spinner and a box.
  'fake-transcript': 'ready',
  'nocolor-fake-transcript': 'busy',
  draft: 'ready',
  'draft-long': 'ready',
  'draft-ideographic': 'ready',
  'draft-no-break': 'ready',
  'draft-wide-blanks': 'ready',
  'draft-second-row': 'ready',
  'pasted-order': 'ready',
  'pasted-big': 'ready',
  'busy-thinking': 'busy',
  'busy-tool': 'busy',
  // The names of hooks have pushed the busy indicator past the end of the line.
  'busy-hook': 'busy',
  'busy-queued': 'busy',
  'busy-with-draft': 'busy',
  'nocolor-busy': 'busy',
  'yolo-busy-shell': 'busy',
  'api-error-500-retrying': 'busy',
  // None of these accepts a prompt.
  'slash-popup': 'unknown',
  'at-popup': 'unknown',
  'shell-mode': 'unknown',
  'shell-mode-draft': 'unknown',
  'reverse-search': 'unknown',
  'vim-normal': 'unknown',
  exited: 'unknown',
};

const DIALOGS: Record<string, DialogName> = {
  'permission-shell': 'permission',
  'permission-write': 'permission',
  'permission-edit': 'permission',
  'permission-mcp': 'permission',
  'permission-mcp-160x50': 'permission',
  'permission-fetch': 'permission',
  'permission-two': 'permission',
  'permission-second': 'permission',
  'permission-50x20': 'permission',
  'permission-lines-80x24': 'permission',
  'permission-lines-200x50': 'permission',
  'permission-low-80x10': 'permission',
  'permission-low-80x12': 'permission',
  'permission-short-80x14': 'permission',
  'permission-wrapped-80x14': 'permission',
  'permission-wrapped-80x18': 'permission',
  'nocolor-permission': 'permission',
  'nocolor-permission-60x18': 'permission',
  trust: 'trust',
  login: 'login',
  quota: 'other',
  'ask-user': 'other',
  'esc-twice': 'other',
  'modal-model': 'other',
  'modal-theme': 'other',
  'modal-resume': 'other',
};

const DRAFTS: Record<string, string> = {
  draft: '> half typed words',
  'nocolor-draft': '> typed words',
  'draft-long': '> line 5',
  'pasted-order': '> Job j-1 was delegated to you: line one',
  'pasted-big': '> [Pasted Text: 40 lines]',
  'busy-with-draft': '> Job three while busy',
  'interrupted-with-draft': '> draft while busy',
  'shell-mode-draft': '! ls foo',
  // The cursor is on the last letter.
  'vim-normal-draft': '> fo',
  'draft-second-row': '>',
  'draft-ideographic': '> \u3000foo',
  'draft-no-break': '> \u00a0foo',
  'draft-wide-blanks': '>',
};

describe('the screen of Gemini CLI', () => {
  it.each(Object.entries(STATES))('%s is %s', async (name, state) => {
    const { lines } = await screen(name);
    expect(classify(lines, patterns)).toBe(state);
  });

  it.each(Object.entries(DIALOGS))('%s is a dialog: %s', async (name, dialogName) => {
    const { lines } = await screen(name);
    expect(classify(lines, patterns)).toBe('dialog');
    expect(shown(lines)?.name).toBe(dialogName);
  });

  it.each([...Object.keys(STATES), ...Object.keys(DIALOGS), 'vim-normal-draft'])(
    '%s: its draft',
    async (name) => {
      const { bright } = await screen(name);
      expect(find(bright, kind.screen.draft)).toBe(DRAFTS[name]);
    },
  );
});

describe('permission requests of Gemini CLI', () => {
  it.each([
    ['permission-shell', 'run_shell_command', 'echo hi > out.txt'],
    ['permission-write', 'write_file', 'Writing to new.txt 1 line one 2 line two'],
    ['permission-edit', 'replace', 'new.txt: line one => line 1 1 - line one 1 + line 1 2   line two'],
    ['permission-mcp', 'mcp_mam_other_tool', '(mam MCP Server) {"job_id":"j","event":"started"}'],
    [
      'permission-fetch',
      'web_fetch',
      'Processing URLs and instructions from prompt: "summarize https://example.com/x"',
    ],
    ['permission-two', 'run_shell_command', 'touch a1'],
    ['permission-second', 'run_shell_command', 'touch a2'],
    ['permission-short-80x14', 'run_shell_command', 'touch made'],
    [
      'nocolor-permission-60x18',
      'run_shell_command',
      "echo 'a very long command line that wraps around the dialog box in a narrow terminal' && echo two && echo three && echo four; cat /etc/hostname; ls -la | head -5",
    ],
  ])('%s', async (name, tool, input) => {
    const { lines } = await screen(name);
    expect(inOneLine(kind.permission?.read(lines))).toEqual({ tool, input });
  });

  // Not all of it fits, and the visible rows don't show what would be allowed.
  it.each([
    [
      'permission-lines-80x24',
      'run_shell_command',
      /^\.\.\. 31 hidden \(Ctrl\+O\) \.\.\. echo line 31 .* touch hidden-tail$/,
    ],
    [
      'permission-lines-200x50',
      'run_shell_command',
      /^\.\.\. first 5 lines hidden \(Ctrl\+O to show\) \.\.\. echo line 5 /,
    ],
    ['permission-low-80x10', 'run_shell_command', /^touch made$/],
    ['permission-low-80x12', 'run_shell_command', /^touch made$/],
    ['permission-wrapped-80x14', 'a tool', /touch hidden-tail$/],
    ['permission-wrapped-80x18', 'a tool', /touch hidden-tail$/],
  ])('%s shows only a part', async (name, tool, input) => {
    const { lines } = await screen(name);
    const shown = inOneLine(kind.permission?.read(lines));
    expect(shown).toEqual({ tool, input: expect.stringMatching(input), partial: true });
  });

  it.each([...Object.keys(STATES), ...Object.keys(DIALOGS)].filter((name) => DIALOGS[name] !== 'permission'))(
    '%s asks for none',
    async (name) => {
      const { lines } = await screen(name);
      expect(inOneLine(kind.permission?.read(lines))).toBeUndefined();
    },
  );
});

describe('the process of Gemini CLI', () => {
  it.each([
    [['node', '/usr/bin/gemini', '--resume', 'latest'], true],
    [['/usr/bin/node', '--max-old-space-size=12052', '/x/@google/gemini-cli/bundle/gemini.js'], true],
    [['npm exec @google/gemini-cli'], true],
    [['gemini'], true],
    [['node', '/x/codex.js', 'gemini'], false],
    [['vim', 'gemini'], false],
    [['bash'], false],
  ])('%j: %s', (argv, expected) => {
    expect(kind.isProcess?.(argv)).toBe(expected);
  });
});
