import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codex } from '../../../src/agents/codex.ts';
import { reader } from '../../../src/agents/hooks/codex.ts';
import type { DialogName, ShownPermission } from '../../../src/agents/kind.ts';
import { classify, find, type ScreenState } from '../../../src/tmux/screen.ts';
import { inOneLine } from '../one-line.ts';
import { readScreen } from './read.ts';

// Screens and payloads of Codex 0.169.0, waiting-startup of 0.171.0; 100x30 if the name has no size.
const FOLDER = new URL('./codex/', import.meta.url);
const dialog = new RegExp(codex.dialogs.map((sign) => `(?:${sign.pattern.source})`).join('|'), 'm');
const patterns = { ...codex.screen, dialog };

const SCREENS: Record<string, ScreenState | DialogName> = {
  'agents-view': 'other',
  'api-error-400': 'ready',
  'api-error-401': 'ready',
  'api-error-429': 'ready',
  'api-error-500': 'ready',
  browsing: 'other',
  'browsing-paste': 'ready',
  'browsing-selected': 'other',
  busy: 'busy',
  'busy-40': 'busy',
  'busy-60': 'busy',
  'busy-80': 'busy',
  'busy-draft': 'busy',
  'busy-queued': 'busy',
  'busy-steer': 'busy',
  'busy-tool': 'busy',
  'denied-mcp': 'ready',
  'denied-shell': 'ready',
  draft: 'ready',
  'draft-blank-row-80x24': 'ready',
  'draft-blank-row-deep-80x24': 'ready',
  'draft-blank-slash-80x24': 'ready',
  'draft-blanks-80x24': 'ready',
  'draft-first-rows-80x24': 'ready',
  'draft-ideographic-80x24': 'ready',
  'draft-only-blanks-80x24': 'ready',
  'draft-wide-blanks-80x24': 'ready',
  'draft-lines': 'ready',
  elicitation: 'other',
  exited: 'unknown',
  'history-search': 'other',
  'hooks-review': 'hooks',
  interrupted: 'ready',
  login: 'login',
  'mcp-failed': 'unknown',
  'menu-hooks': 'other',
  'menu-model': 'other',
  'menu-permissions': 'other',
  'menu-resume': 'other',
  'menu-review': 'other',
  'pasted-long': 'ready',
  'pasted-order': 'ready',
  'permission-denied-by-hook': 'ready',
  'permission-blanks-80x24': 'permission',
  'permission-edit': 'permission',
  'permission-hook-waiting': 'busy',
  'permission-lines-80x24': 'permission',
  'permission-long': 'permission',
  'permission-long-40x24': 'permission',
  'permission-long-80x24': 'permission',
  'permission-low-80x10': 'permission',
  'permission-mcp': 'permission',
  'permission-mcp-40x12': 'permission',
  'permission-mcp-60x15': 'permission',
  'permission-mcp-80': 'permission',
  'permission-shell': 'permission',
  'permission-shell-40x12': 'permission',
  'permission-shell-60x15': 'permission',
  'permission-shell-80': 'permission',
  'plan-mode': 'ready',
  'popup-file': 'other',
  'popup-slash': 'unknown',
  'popup-slash-typed': 'unknown',
  'ready-160': 'ready',
  'ready-40': 'ready',
  'ready-60': 'ready',
  'ready-80': 'ready',
  'ready-after-turn': 'ready',
  'ready-fake-busy-80': 'ready',
  'ready-first': 'ready',
  'ready-quoting-80': 'ready',
  'shell-mode': 'other',
  'shell-mode-empty': 'other',
  shortcuts: 'other',
  'starting-mcp': 'ready',
  'starting-mcp-queued': 'busy',
  trust: 'trust',
  update: 'update',
  'vim-mode': 'other',
  'waiting-startup': 'busy',
  warnings: 'other',
};

/** What a person left in the box; on all other screens it is empty. */
const DRAFTS: Record<string, string> = {
  'browsing-paste': '› Job pasted here',
  'busy-draft': '› Job queued one',
  draft: '› half typed words',
  'draft-lines': '› half typed words',
  'pasted-long': '› [Pasted Content 1609 chars]',
  'pasted-order':
    '› Job cdx-1 was delegated to you by another agent: call the MCP tool publish_event (server mam)',
  'popup-file': '› look @f',
  'popup-slash': '› /',
  'popup-slash-typed': '› /mod',
  'shell-mode': '! ls',
  'waiting-startup': '› Job slow was delegated to you',
};

/** Drafts that start with blanks, a row of blanks or an empty row, or contain nothing else. */
const BLANK_DRAFTS: Record<string, string> = {
  'draft-blank-row-80x24': '›',
  'draft-blank-row-deep-80x24': '›',
  'draft-blank-slash-80x24': '›  /foo',
  'draft-blanks-80x24': '›   · foo',
  'draft-first-rows-80x24': '›',
  'draft-ideographic-80x24': '› \u3000foo',
  'draft-only-blanks-80x24': '›',
  'draft-wide-blanks-80x24': '›',
};

const PROMPT = 'a long prompt that has to wrap because it is so long, is ...';
const NUMBERS = 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen';
const CUT_MCP = {
  tool: 'mcp__mam__delegate_job',
  input: `prompt: ${PROMPT} x: {"y": [1, 2]}`,
  partial: true,
};
const words = (last: number) => Array.from({ length: last + 1 }, (_, at) => `word${at}`).join(' ');
const PERMISSIONS: Record<string, ShownPermission> = {
  'permission-edit': { tool: 'apply_patch', input: 'Destination: /opt/zz-codex-test.txt', partial: true },
  'permission-blanks-80x24': { tool: 'Bash', input: 'echo a [… 31 lines] ^a view all', partial: true },
  'permission-lines-80x24': {
    tool: 'Bash',
    input: `${Array.from({ length: 12 }, (_, at) => `echo line ${at}`).join(' ')} [… 47 lines] ^a view all`,
    partial: true,
  },
  'permission-long-40x24': {
    tool: 'Bash',
    input: `echo ${words(50)} [… 33 lines] ^a view all`,
    partial: true,
  },
  // Only its options do not fit.
  'permission-long-80x24': { tool: 'Bash', input: `echo ${words(119)} && touch hidden-tail` },
  'permission-mcp': { tool: 'mcp__mam__delegate_job', input: 'n: 3 prompt: do it' },
  'permission-mcp-40x12': CUT_MCP,
  'permission-mcp-60x15': CUT_MCP,
  'permission-mcp-80': CUT_MCP,
  'permission-shell': { tool: 'Bash', input: 'echo hi > /home/me/project/f1' },
  'permission-shell-60x15': {
    tool: 'Bash',
    input: `touch /opt/zz && echo ${NUMBERS} fifteen sixteen seventeen eighteen nineteen`,
  },
  'permission-shell-80': { tool: 'Bash', input: `touch /opt/zz && echo ${NUMBERS}` },
};

test('every recorded screen is listed', () => {
  const names = readdirSync(FOLDER).map((file) => file.replace(/\.txt$/, ''));
  expect(names.sort()).toEqual(Object.keys(SCREENS).sort());
});

test.each(Object.entries(SCREENS))('%s is %s', async (name, expected) => {
  const { lines, bright } = await readScreen(new URL(`${name}.txt`, FOLDER));
  const isState = ['ready', 'busy', 'unknown'].includes(expected);
  expect(classify(lines, patterns)).toBe(isState ? expected : 'dialog');
  const sign = codex.dialogs.find(({ pattern }) => find(lines, pattern) !== undefined);
  expect(sign?.name).toBe(isState ? undefined : expected);
  const draft = find(bright, codex.screen.draft) ?? find(lines, codex.screen.blankDraft);
  expect(draft).toBe(DRAFTS[name] ?? BLANK_DRAFTS[name]);
  const read = inOneLine(codex.permission?.read(lines));
  if (name === 'permission-long') {
    expect(read?.input).toMatch(/^echo line 1 .*\[… 66 lines\] \^a view all$/);
    expect(read?.partial).toBe(true);
  } else expect(read).toEqual(PERMISSIONS[name]);
});

/** The dialog at 80x24 with its command replaced by this one. */
async function asking(command: string[]) {
  const { lines } = await readScreen(new URL('permission-shell-80.txt', FOLDER));
  const from = lines.findIndex((line) => line.startsWith('  $ '));
  const to = lines.findIndex((line) => /^› 1\. Yes/.test(line));
  const rows = command.map((row, at) => (at === 0 ? `  $ ${row}` : `  ${row}`));
  return inOneLine(codex.permission?.read([...lines.slice(0, from), ...rows, '', '', ...lines.slice(to)]));
}

test('rows of a command that look like rows of the dialog hide none of it', async () => {
  const notes = await asking(['echo a', 'Reason: x; touch made', 'Environment: y; touch made']);
  expect(notes).toEqual({ tool: 'Bash', input: 'echo a Reason: x; touch made Environment: y; touch made' });
  const question = await asking([
    'touch made',
    'Would you like to run the following command?',
    '',
    '$ echo a',
  ]);
  expect(question).toMatchObject({ partial: true, input: expect.stringMatching(/^touch made /) });
  const options = await asking(['echo a', '', '1. Yes, proceed (y)', 'touch made']);
  expect(options).toMatchObject({ partial: true, input: expect.stringContaining('touch made') });
  expect(await asking(['echo a', '[… 3 lines] ^a view all'])).toMatchObject({ partial: true });
});

test('a screen that quotes dialogs and footers is still ready, and busy while it works', async () => {
  const { lines } = await readScreen(new URL('ready-quoting-80.txt', FOLDER));
  expect(lines.join('\n')).toContain('Press enter to confirm or esc to cancel');
  const busy = await readScreen(new URL('ready-fake-busy-80.txt', FOLDER));
  expect(busy.lines).toContain('• Working (2s • esc to interrupt)');
});

test('knows its process', () => {
  const yes = [
    ['codex'],
    ['/usr/bin/codex', '-c', 'x=1'],
    ['node', '/usr/local/bin/codex', 'resume', '--last'],
    ['node', '/x/node_modules/@openai/codex/bin/codex.js'],
    ['npm exec @openai/codex'],
    ['/x/vendor/x86_64-unknown-linux-musl/bin/codex', 'Job 1'],
    ['/opt/codex-aarch64-apple-darwin'],
  ];
  const no = [
    ['bash'],
    ['node', '/x/server.js'],
    ['codex', 'app-server', '--listen', 'unix://'],
    ['node', '/usr/local/bin/codex', 'exec', 'do it'],
    ['/x/bin/codex-code-mode-host'],
    ['vim', 'codex'],
    [],
  ];
  for (const argv of yes) expect(codex.isProcess?.(argv), argv.join(' ')).toBe(true);
  for (const argv of no) expect(codex.isProcess?.(argv), argv.join(' ')).toBe(false);
});

const OPTIONS = {
  server: ['node', '/opt/mam/main.js'] as const,
  serverEnv: { MAM_ROLE: 'peer', MAM_HOME: '/home/me/it\'s "here"' },
  hook: ['node', '/opt/mam/main.js', 'hook'] as const,
  folder: '/home/me/.mam/agents/1',
  workdir: '/home/me/project',
  home: '/home/user',
  resume: false,
};

test('starts with everything on the command line', () => {
  const launch = codex.start?.launch({ ...OPTIONS, prompt: 'Job 1\n-x' });
  expect(launch?.env).toEqual({});
  expect(launch?.files).toEqual({});
  expect(launch?.args.slice(-2)).toEqual(['--', 'Job 1\n-x']);
  const settings = launch?.args.filter((_, at) => launch.args[at - 1] === '-c') ?? [];
  expect(settings[0]).toContain(
    '"env"={"MAM_ROLE"="peer","MAM_HOME"="/home/me/it\'s \\"here\\""},"env_vars"=["TMUX","TMUX_PANE"]',
  );
  expect(settings[0]).toContain('"publish_event"={"approval_mode"="approve"}');
  expect(settings.some((setting) => /approval_policy|sandbox|bypass/.test(setting))).toBe(false);
});

test('opens one conversation by its id', () => {
  const args = codex.start?.launch({ ...OPTIONS, conversation: 'ID' }).args ?? [];
  expect(args.slice(0, 2)).toEqual(['resume', 'ID']);
});

test('trusts just its own hooks, by hashes that Codex 0.169.0 has accepted', () => {
  const args = codex.start?.launch({ ...OPTIONS, resume: true }).args ?? [];
  expect(args.slice(0, 2)).toEqual(['resume', '--last']);
  expect(args).toContain(
    `hooks.Stop=[{"hooks"=[{"type"="command","command"="exec 'node' '/opt/mam/main.js' 'hook' 'Stop'","timeout"=5,"async"=false}]}]`,
  );
  expect(args.at(-1)).toContain(
    '"/<session-flags>/config.toml:stop:0:0"={"trusted_hash"="sha256:0e20736a15ca60cf5b30628b510f12e02dd89e18a964498d2f6651909895d880"}',
  );
  expect(args.at(-1)).toContain('"/<session-flags>/config.toml:user_prompt_submit:0:0"=');
});

const BASE = {
  session_id: '01a2049a-052e-7523-97b8-e3f1147527a8',
  turn_id: '01a2049a-4871-7453-a91f-8d95bb2cac90',
  transcript_path: '/home/me/.codex/sessions/rollout.jsonl',
  cwd: '/home/me/project',
  model: 'scripted',
  permission_mode: 'default',
};
const { session_id, turn_id, transcript_path: transcript, model } = BASE;
/** In every report. */
const ITS = { session_id, transcript, model };

test('reads what its hooks report', () => {
  const read = (event: string, payload: object) =>
    reader.read(event, { ...BASE, hook_event_name: event, ...payload });
  expect(read('SessionStart', { source: 'startup' })).toEqual({ type: 'session_started', ...ITS });
  expect(read('UserPromptSubmit', { prompt: 'Job x' })).toEqual({
    type: 'submitted',
    text: 'Job x',
    turn_id,
    ...ITS,
  });
  const bash = { command: 'echo hi >\n f1', description: 'May the script run this?' };
  expect(read('PermissionRequest', { tool_name: 'Bash', tool_input: bash })).toEqual({
    type: 'permission_required',
    tool: 'Bash',
    input: 'echo hi > f1',
    ...ITS,
  });
  const tool_input = { prompt: 'do it', n: 3 };
  expect(read('PermissionRequest', { tool_name: 'mcp__mam__delegate_job', tool_input })).toEqual({
    type: 'permission_required',
    tool: 'mcp__mam__delegate_job',
    input: '{"prompt":"do it","n":3}',
    ...ITS,
  });
  const used = { tool_name: 'Bash', tool_input: { command: 'echo hi' }, tool_use_id: 'call_28669_7' };
  expect(read('PostToolUse', { ...used, tool_response: 'hi\n' })).toEqual({
    type: 'tool_used',
    tool: 'Bash',
    input: 'echo hi',
    call_id: 'call_28669_7',
    ...ITS,
  });
  expect(read('Stop', { stop_hook_active: false, last_assistant_message: 'All done.' })).toEqual({
    type: 'turn_ended',
    text: 'All done.',
    turn_id,
    ...ITS,
  });
  expect(read('Interrupt', {})).toEqual({ type: 'interrupted', turn_id, ...ITS });
  expect(read('SessionEnd', { reason: 'other' })).toEqual({ type: 'session_ended', ...ITS });
  expect(read('PreCompact', {})).toBeUndefined();
  expect(reader.read('Stop', {})).toEqual({ type: 'turn_ended', text: undefined });
});
