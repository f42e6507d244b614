import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { opencode as kind } from '../../../src/agents/opencode.ts';
import { classify, find, type ScreenState } from '../../../src/tmux/screen.ts';
import { inOneLine } from '../one-line.ts';
import { readScreen } from './read.ts';

/** Recorded from OpenCode 1.18.33 in tmux 3.3a, 256 colours; the name ends in the pane's size. */
const FOLDER = new URL('opencode/', import.meta.url);
const NAMES = readdirSync(FOLDER).map((file) => file.replace(/\.txt$/, ''));
const screen = (name: string) => readScreen(new URL(`${name}.txt`, FOLDER));

const dialog = new RegExp(kind.dialogs.map(({ pattern }) => `(?:${pattern.source})`).join('|'), 'm');
const patterns = { ...kind.screen, dialog };

/** What a screen shows, by the prefix of its name; the longest prefix counts. */
const STATES: Record<string, ScreenState> = {
  ready: 'ready',
  home: 'ready',
  'home-palette': 'dialog',
  'home-shell': 'dialog',
  'home-slash': 'dialog',
  // Without any configuration: it asks for no login, and a free model of its makers answers.
  login: 'ready',
  'login-connect': 'dialog',
  interrupted: 'ready',
  'api-error': 'ready',
  denied: 'ready',
  draft: 'ready',
  // The agent has printed a dialog, a draft in a box and the footer of a busy one.
  fake: 'ready',
  'fake-transcript-busy': 'busy',
  'fake-transcript-permission': 'dialog',
  'fake-transcript-shell': 'dialog',
  busy: 'busy',
  retry: 'busy',
  permission: 'dialog',
  question: 'dialog',
  palette: 'dialog',
  models: 'dialog',
  agents: 'dialog',
  sessions: 'dialog',
  help: 'dialog',
  status: 'dialog',
  slash: 'dialog',
  'at-popup': 'dialog',
  shell: 'dialog',
  exited: 'unknown',
};

/** A person's words, on the screens that are free or busy. */
const DRAFTS: Record<string, string> = {
  'home-draft': '┃  please look at',
  draft: '┃  please look at',
  'draft-lines': '┃  line one',
  'busy-draft': '┃  a draft while busy',
  'home-pasted': '┃  [Pasted ~3 lines]',
};

const LOOP =
  'for i in 1 2 3; do echo $i; done # a rather long command line, so that it has to be wrapped in a narrow pane, or even in a wide one if it only goes on for long enough';

const PERMISSIONS: Record<string, { tool: string; input: string; partial?: boolean }> = {
  'permission-shell-100x30': { tool: 'Shell command', input: LOOP },
  'permission-shell-80x24': { tool: 'Shell command', input: LOOP },
  'permission-shell-160x50': { tool: 'Shell command', input: LOOP },
  'permission-shell-60x20': { tool: 'Shell command', input: 'echo narrow' },
  'permission-shell-40x15': { tool: 'Shell command', input: 'echo narrow' },
  // 40 lines, of which 7 are shown.
  'permission-shell-long-100x30': {
    tool: 'Shell command',
    input: `${[0, 1, 2, 3, 4, 5, 6].map((line) => `echo line ${line}`).join(' ')}`,
    partial: true,
  },
  'permission-edit-100x30': { tool: 'Edit a.txt', input: '1 - hello 1 + hello you' },
  'permission-edit-80x24': { tool: 'Edit a.txt', input: '1 - hello 1 + hello you' },
  'permission-edit-160x50': { tool: 'Edit a.txt', input: '1 - hello 1 + hello you' },
  'permission-edit-fullscreen-100x30': { tool: 'Edit a.txt', input: '1 - hello 1 + hello you' },
  // Rows after the seventh or fifth are not shown, and nothing says so; here they are empty.
  'permission-shell-blanks-80x24': { tool: 'Shell command', input: 'echo a', partial: true },
  'permission-shell-lines-40x24': {
    tool: 'Shell command',
    input: 'echo line 0 echo line 1 echo line 2 echo line 3 echo line 4',
    partial: true,
  },
  'permission-shell-three-80x16': {
    tool: 'Shell command',
    input: 'echo line 0 echo line 1 touch hidden-tail',
  },
  'permission-mcp-100x30': { tool: 'Call tool mine_look_up', input: 'Tool: mine_look_up', partial: true },
  'permission-external-100x30': { tool: 'Access external directory /etc', input: 'Patterns - /etc/*' },
  'permission-webfetch-160x50': {
    tool: 'WebFetch http://127.0.0.1:8787/x',
    input: 'URL: http://127.0.0.1:8787/x',
  },
  'permission-task-100x30': { tool: 'General Task', input: '◉ look', partial: true },
  'permission-subagent-100x30': { tool: 'Shell command', input: 'echo sub > sub.txt' },
  'fake-transcript-permission-100x30': { tool: 'Shell command', input: 'echo one' },
};

function byBeginning<T>(table: Record<string, T>, name: string): T | undefined {
  const beginnings = Object.keys(table).filter((key) => name.startsWith(key));
  return table[beginnings.sort((a, b) => b.length - a.length)[0] ?? ''];
}

describe('a screen of OpenCode', () => {
  it.each(NAMES)('%s: its state', async (name) => {
    const { lines } = await screen(name);
    expect(classify(lines, patterns)).toBe(byBeginning(STATES, name));
  });

  it.each(NAMES)('%s: the permission asked for', async (name) => {
    const { lines } = await screen(name);
    expect(inOneLine(kind.permission?.read(lines))).toEqual(PERMISSIONS[name]);
    const shown = kind.dialogs.find(({ pattern }) => find(lines, pattern) !== undefined);
    expect(shown?.name === 'permission').toBe(name in PERMISSIONS);
  });

  it.each(NAMES)('%s: the draft in its box', async (name) => {
    const { lines, bright } = await screen(name);
    if (classify(lines, patterns) === 'dialog') return;
    const key = name.replace(/-\d+x\d+$/, '');
    expect(find(bright, kind.screen.draft)).toBe(DRAFTS[key]);
  });
});

describe('the process of OpenCode', () => {
  it.each([
    [['opencode'], true],
    [['/usr/lib/node_modules/opencode-ai/bin/opencode.exe', '--continue'], true],
    [['/home/me/.npm/node_modules/.bin/opencode', '--prompt=Job x'], true],
    [['node', '/usr/lib/node_modules/opencode-ai/bin/opencode', '/home/me/project'], true],
    [['opencode', 'attach', 'http://127.0.0.1:4096'], true],
    [['opencode', 'serve'], false],
    [['opencode', 'run', 'Job x'], false],
    [['vim', 'opencode'], false],
    [['node', '/home/me/opencode-tools.js'], false],
    [[], false],
  ])('%j: %s', (argv, expected) => {
    expect(kind.isProcess?.(argv)).toBe(expected);
  });
});

describe('the start of OpenCode', () => {
  const options = {
    server: ['node', '/opt/mam/main.js'] as const,
    serverEnv: { MAM_ROLE: 'peer' },
    hook: ['node', '/opt/mam/main.js', 'hook', 'opencode'] as const,
    folder: '/home/me/.mam/start a',
    workdir: '/home/me/project',
    home: '/home/user',
    resume: false,
  };

  it('names its server, its two tools and its plugin, and changes nothing else', () => {
    const launch = kind.start?.launch(options);
    expect(launch?.args).toEqual([]);
    expect(JSON.parse(launch?.env['OPENCODE_CONFIG_CONTENT'] ?? '')).toEqual({
      $schema: 'https://opencode.ai/config.json',
      mcp: {
        mam: {
          type: 'local',
          command: options.server,
          environment: options.serverEnv,
          enabled: true,
          timeout: 60_000,
        },
      },
      permission: { mam_publish_event: 'allow', mam_job_status: 'allow' },
      plugin: ['file:///home/me/.mam/start%20a/mam-plugin.js'],
    });
    expect(launch?.files['mam-plugin.js']).toContain(JSON.stringify(options.hook));
  });

  it('continues a session, with a prompt in one word', () => {
    const launch = kind.start?.launch({ ...options, resume: true, prompt: '-a b\nc' });
    expect(launch?.args).toEqual(['--continue', '--prompt=-a b\nc']);
  });
});
