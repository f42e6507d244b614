import { describe, expect, it } from 'vitest';
import { claudeCode as kind } from '../../../src/agents/claude-code.ts';
import type { DialogName } from '../../../src/agents/kind.ts';
import { classify, find, type ScreenState } from '../../../src/tmux/screen.ts';
import { inOneLine } from '../one-line.ts';
import { readScreen } from './read.ts';

/** Recorded from Claude Code 2.1.330 in tmux 3.3a, 100x30 unless the name says otherwise. */
const screen = (name: string) => readScreen(new URL(`claude-code/${name}.txt`, import.meta.url));

const dialog = new RegExp(kind.dialogs.map(({ pattern }) => `(?:${pattern.source})`).join('|'), 'm');
const patterns = { ...kind.screen, dialog };
const shown = (lines: string[]) => kind.dialogs.find(({ pattern }) => find(lines, pattern) !== undefined);

const STATES: Record<string, ScreenState> = {
  'ready-100': 'ready',
  'ready-160': 'ready',
  'ready-80': 'ready',
  'ready-40': 'ready',
  'ready-after-turn-100': 'ready',
  'ready-after-turn-80': 'ready',
  'ready-background-task': 'ready',
  'ready-background-auto-100': 'ready',
  'ready-background-auto-40': 'ready',
  'mode-bypass': 'ready',
  'mode-auto': 'ready',
  'vim-insert': 'ready',
  // A user's own status line that says "esc to interrupt".
  statusline: 'ready',
  interrupted: 'ready',
  'interrupted-early': 'ready',
  'api-error-500': 'ready',
  'api-error-429': 'ready',
  'api-error-401': 'ready',
  // The agent has printed a dialog, a spinner and a box.
  'fake-transcript': 'ready',
  draft: 'ready',
  'draft-blank-row': 'ready',
  'draft-blanks': 'ready',
  'draft-ideographic': 'ready',
  'draft-multiline': 'ready',
  'draft-wide-blanks': 'ready',
  'draft-fake': 'ready',
  'order-160': 'ready',
  'order-80': 'ready',
  busy: 'busy',
  'busy-80': 'busy',
  'busy-40': 'busy',
  'busy-draft': 'busy',
  'busy-queued': 'busy',
  'busy-tool': 'busy',
  // None of these accepts a prompt.
  'shell-mode': 'unknown',
  'slash-popup': 'unknown',
  'shortcuts-help': 'unknown',
  'agents-view': 'unknown',
  'agents-view-draft': 'unknown',
  'exit-hint': 'unknown',
};

const DIALOGS: Record<string, DialogName> = {
  'permission-shell': 'permission',
  'permission-edit': 'permission',
  'permission-write': 'permission',
  'permission-fetch': 'permission',
  'permission-mcp': 'permission',
  'permission-amend': 'permission',
  'permission-long-160': 'permission',
  'permission-long-80': 'permission',
  'permission-lines-200x50': 'permission',
  'permission-long-40x24': 'permission',
  'permission-low-80x10': 'permission',
  'permission-waiting': 'permission',
  'permission-auto': 'permission',
  'permission-auto-yes': 'permission',
  'permission-auto-40x24': 'permission',
  'permission-auto-80x10': 'permission',
  'permission-auto-write': 'permission',
  trust: 'trust',
  'bypass-warning': 'trust',
  login: 'login',
  'api-key': 'login',
  'not-logged-in': 'login',
  question: 'other',
  'plan-exit': 'other',
  'auto-mode-offer': 'other',
  'auto-mode-unchecked': 'other',
  // Its options do not fit.
  'auto-mode-unchecked-40x24': 'other',
  'mcp-approval': 'other',
  'exit-question': 'other',
  'model-picker': 'other',
  config: 'other',
  rewind: 'other',
  'ctrl-r': 'other',
  transcript: 'other',
};

describe('the screens of Claude Code', () => {
  it.each(Object.entries(STATES))('%s is %s', async (name, state) => {
    const { lines } = await screen(name);
    expect(shown(lines)).toBeUndefined();
    expect(classify(lines, patterns)).toBe(state);
  });

  it.each(Object.entries(DIALOGS))('%s is a dialog: %s', async (name, dialogName) => {
    const { lines } = await screen(name);
    expect(shown(lines)?.name).toBe(dialogName);
    expect(classify(lines, patterns)).toBe('dialog');
  });

  it.each([
    ['draft', 'please look at the'],
    ['draft-multiline', 'first line of mine'],
    // Its words start after blanks, or below a row of them.
    ['draft-blank-row', '❯'],
    ['draft-blanks', '· foo'],
    ['draft-ideographic', '❯\u00a0\u3000foo'],
    ['draft-wide-blanks', '❯'],
    ['draft-fake', 'Job say: Do you want to proceed?'],
    ['busy-draft', 'Job two was delegated to you'],
    ['interrupted', 'Job two was delegated to you'],
    ['interrupted-early', 'Job to be interrupted at once'],
    ['order-160', 'Job fix-the-flaky-test-a1b2c3d4'],
    // The first rows of the text have scrolled out of the box.
    ['order-80', '"fix-the-flaky-test-a1b2c3d4" and event'],
    ['slash-popup', '/mo'],
    ['permission-waiting', 'half a thought'],
  ])('%s holds a draft', async (name, words) => {
    const { bright } = await screen(name);
    expect(find(bright, kind.screen.draft)).toContain(words);
  });

  it.each([
    'ready-100',
    'ready-40',
    'ready-after-turn-80',
    'busy',
    'busy-tool',
    'api-error-401',
    'fake-transcript',
    'permission-shell',
    'question',
    // Placeholders: "Press up to edit queued messages", "Resend your message to try again", "describe a task …".
    'busy-queued',
    'api-error-500',
    'agents-view',
  ])('%s holds no draft', async (name) => {
    const { bright } = await screen(name);
    expect(find(bright, kind.screen.draft)).toBeUndefined();
  });
});

describe('what runs in the background', () => {
  it.each(['ready-background-task', 'ready-background-auto-100', 'ready-background-auto-40'])(
    'is seen: %s',
    async (name) => {
      const { lines } = await screen(name);
      expect(find(lines, kind.screen.background)).toContain('1 shell');
    },
  );

  it.each(Object.keys(STATES).filter((name) => !name.startsWith('ready-background')))(
    'is nothing: %s',
    async (name) => {
      const { lines } = await screen(name);
      expect(find(lines, kind.screen.background)).toBeUndefined();
    },
  );
});

describe('what a permission dialog asks for', () => {
  it.each([
    ['permission-shell', 'Bash', /^touch made-it$/],
    ['permission-edit', 'Edit', /^edit\.txt 1 {2}one 2 -two 2 \+zwei/],
    ['permission-write', 'Write', /^new\.txt 1 hello 2 world$/],
    ['permission-fetch', 'WebFetch', /url: https:\/\/example\.com\/ prompt: x$/],
    ['permission-mcp', 'other — Report on a job', /^job_id: "demo-abcdefgh" event: "progress"/],
    ['permission-long-160', 'Bash', /^for i in \$\(seq 1 100\); .* true$/],
    ['permission-auto', 'Bash', /^curl -s http:\/\/127\.0\.0\.1:9\/x$/],
    ['permission-auto-40x24', 'Bash', /^curl -s http:\/\/127\.0\.0\.1:9\/x .* --header dddd$/],
    ['permission-auto-write', 'Write', /^\.\.\/notes\/w2\.txt 1 hello 2 world$/],
  ])('%s', async (name, tool, input) => {
    const { lines } = await screen(name);
    const permission = inOneLine(kind.permission?.read(lines));
    expect(permission?.tool).toBe(tool);
    expect(permission?.input).toMatch(input);
  });

  it.each([
    ['permission-long-80', /^… 24 more lines … echo step 16 .* true$/],
    ['permission-long-40x24', /^… 21 more lines … word71 .* touch hidden-tail$/],
    ['permission-auto-80x10', /^… 5 more lines … --header dddd$/],
    ['permission-lines-200x50', /^… 4 more lines … echo line 0 .* touch hidden-tail$/],
  ])('%s shows only a part', async (name, input) => {
    const { lines } = await screen(name);
    const read = inOneLine(kind.permission?.read(lines));
    expect(read).toEqual({ tool: 'Bash', input: expect.stringMatching(input), partial: true });
  });

  it.each([
    ['permission-auto', { allow: ['Down', 'Enter'], row: '   Yes' }],
    ['permission-auto-yes', { allow: ['Enter'], row: '   No' }],
    ['permission-shell', undefined],
  ])('%s is allowed by the keys that its choice takes', async (name, choice) => {
    const { lines } = await screen(name);
    expect(kind.permission?.read(lines)?.choice).toEqual(choice);
  });

  it('rows of a command that look like rows of the dialog hide none of it', async () => {
    const { lines } = await screen('permission-long-160');
    const at = lines.findIndex((line) => line.startsWith(' │'));
    const more = [' │ Tip: x; touch made', ` │ ${'╌'.repeat(20)}; touch made`, ` │ ${'╌'.repeat(20)}`];
    const read = inOneLine(kind.permission?.read([...lines.slice(0, at), ...more, ...lines.slice(at)]));
    expect(read?.input).toMatch(/^Tip: x; touch made ╌+; touch made ╌+ for i in /);
  });

  it.each([
    // Its title is not on the screen.
    'permission-low-80x10',
    // A person is typing an answer.
    'permission-amend',
    'permission-waiting',
    // Keys have other meanings there.
    'plan-exit',
    'question',
    'trust',
    'mcp-approval',
    'fake-transcript',
    'draft-fake',
    'ready-100',
  ])('nothing that a key could answer: %s', async (name) => {
    const { lines } = await screen(name);
    expect(inOneLine(kind.permission?.read(lines))).toBeUndefined();
  });
});

describe('the process of Claude Code', () => {
  it.each([
    [['claude']],
    [['/home/me/.local/bin/claude', '--continue']],
    [['/home/me/.local/share/claude/versions/2.1.330']],
    [['node', '--max-old-space-size=4096', '/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js']],
    [['node', '/usr/bin/claude', '-c']],
    [['npm exec @anthropic-ai/claude-code']],
  ])('is %j', (argv) => {
    expect(kind.isProcess?.(argv)).toBe(true);
  });

  it.each([[['bash']], [['node', 'server.js']], [['vim', 'claude']], [['node', '/usr/bin/codex']], [[]]])(
    'is not %j',
    (argv) => {
      expect(kind.isProcess?.(argv)).toBe(false);
    },
  );
});

describe('the start of Claude Code', () => {
  const options = {
    server: ['/usr/bin/node', '/opt/mam/main.js'] as const,
    serverEnv: { MAM_HOME: '/home/me/.mam' },
    hook: ['/usr/bin/node', "/opt/it's/main.js", 'hook', 'claude-code'] as const,
    folder: '/run/mam',
    workdir: '/home/me/project',
    home: '/home/user',
    resume: false,
  };

  it('passes the prompt whole, after the options', () => {
    const launch = kind.start?.launch({ ...options, resume: true, prompt: 'Job a-b\n-x' });
    expect(launch?.args[0]).toBe('--continue');
    expect(launch?.args.slice(-2)).toEqual(['--', 'Job a-b\n-x']);
  });

  it('opens one conversation by its id', () => {
    const launch = kind.start?.launch({ ...options, conversation: 'ID' });
    expect(launch?.args.slice(0, 2)).toEqual(['--resume', 'ID']);
    expect(launch?.args).not.toContain('--continue');
  });

  it('adds our server and hooks, and allows only our own tools', () => {
    const launch = kind.start?.launch(options);
    expect(launch?.args).toContain('mcp__mam__publish_event,mcp__mam__job_status');
    expect(launch?.args).not.toContain('--strict-mcp-config');
    const { mam } = JSON.parse(launch?.files['mcp.json'] ?? '').mcpServers;
    expect(mam).toMatchObject({
      command: '/usr/bin/node',
      args: ['/opt/mam/main.js'],
      env: options.serverEnv,
    });
    const { hooks, permissions } = JSON.parse(launch?.files['settings.json'] ?? '');
    expect(permissions).toBeUndefined();
    expect(hooks.Stop[0].hooks[0].command).toBe(
      `exec '/usr/bin/node' '/opt/it'\\''s/main.js' 'hook' 'claude-code' 'Stop'`,
    );
  });
});
