import { shellCommand } from '../base/shell.ts';
import { DEFAULT_SESSIONS } from '../operations/agent-names.ts';
import { ALLOW_OR_DENY, ANSWER_OR_CLOSE, sign } from './dialog-sign.ts';
import { OWN_TOOLS } from './hooks/claude-code.ts';
import { type AgentKind, type Launch, type LaunchOptions, type ShownPermission, UUID } from './kind.ts';
import { optionFor } from './option-for.ts';
import { runs } from './program-of.ts';
import { transcript } from './usage/claude-code.ts';

/*
 * The screen of Claude Code 2.1.332 from the bottom: footer rows, which are indented; a rule; the input box, whose first
 * row begins with the prompt sign and a no-break space (which `trimEnd` removes from an empty one); a rule. A dialog
 * replaces all that, so no rule follows it. The whole transcript is above, where it can't match.
 */
const END = '(?![\\s\\S])';
/** Rows up to the end of the screen, none of which is a rule: only a dialog has no box below it. */
const NO_BOX_BELOW = `(?:(?![─▔])[^\\n]*\\n)*(?![─▔])[^\\n]*${END}`;
/** More rows of the box; a person's empty row is empty. */
const MORE = '(?:(?: {2}[^\\n]*)?\\n)*';
/** It may contain the session's name, or the number of rows of a long text that have scrolled out above it. */
const RULE = '─{3}[^\\n]*\\n';
const SCROLLED = '─{3} ↑ \\d+ more [^\\n]*\\n';
const INDENTED = '(?:(?: [^\\n]*)?\\n)*';
const FOOTER = `${INDENTED}(?: [^\\n]*)?${END}`;
/** Any box with its rules: `!` in place of the sign is the shell mode. */
const BOX = `(?:${RULE}[❯!][^\\n]*\\n|${SCROLLED})${MORE}${RULE}`;

/** The footer row with the permission mode; the box of the agents view has none. */
const MODE = '(?: [^\\n]*\\n)*? {2}(?:-- [A-Z ]+ -- )?[⏸⏵]';

/** A slash command opens a popup, in which Enter chooses. */
const READY = new RegExp(
  `(?:(?<=^${RULE})❯(?:[ \\u00a0](?!\\/)[^\\n]*)?\\n|^${SCROLLED})${MORE}${RULE}${MODE}[^\\n]*\\n?${FOOTER}`,
  'm',
);

/** Background work is shown next to the mode, and starts a turn by itself when it ends. */
const BACKGROUND = new RegExp(
  `(?<=^${BOX})${MODE}[^\\n]*? · \\d+ (?:scheduled |background |MCP |dynamic )*(?:shell|monitor|agent|workflow|task|team)s?\\b[^\\n]*\\n?${FOOTER}`,
  'm',
);

/**
 * The spinner, whose glyph and verb change, with tips and tasks indented below it; or the footer. The footer alone is
 * not enough: it loses its words as soon as there is a draft in the box.
 */
const BUSY = new RegExp(
  `^[·✢✳✶✻✽*] [^\\n(]*…(?: \\([^\\n]*)?\\n${INDENTED}${BOX}${FOOTER}` +
    `|(?<=^${BOX})${MODE}[^\\n]*\\besc to interrupt\\b[^\\n]*\\n?${FOOTER}`,
  'm',
);

/** Placeholders are dim with a reversed first letter, so they have been removed here, as have the words in a rule. */
const DRAFT = new RegExp(
  `(?<=^${RULE})[❯!][^\\S\\n]*(?:\\S[^\\n]*\\n${MORE}|\\n\\n*? {2}[^\\S\\n]*\\S[^\\n]*\\n${MORE})${RULE}${FOOTER}` +
    `|(?<=^${RULE}\\n*) {2}[^\\S\\n]*\\S[^\\n]*\\n${MORE}${RULE}${FOOTER}`,
  'm',
);

/** The row of `/clear` in the menu above the box, selected; a narrow pane cuts off the rest of its description. */
const CLEAR_ROW = /^ {2}❯ \/clear {2,}Start a new/m;

/** The program's own rows and `/clear`, without any other prompt or answer. Measured at 160x50, 200x60, 80x24, 40x24. */
const CLEARED = new RegExp(
  `^[^\\n]*Claude Code v\\d[^\\n]*\\n(?:(?![❯●⏺✻])[^\\n]*\\n)*❯ \\/clear[ \\u00a0]*\\n${INDENTED}${BOX}${FOOTER}`,
  'm',
);

/** The tool name that a dialog's title stands for. */
const TITLES: Readonly<Record<string, string>> = {
  'Bash command': 'Bash',
  'Edit file': 'Edit',
  'Create file': 'Write',
  'Overwrite file': 'Write',
  Fetch: 'WebFetch',
};

/** Claude Code 2.1.332, the native program. */
export const claudeCode: AgentKind = {
  name: 'claude-code',
  title: 'Claude Code',
  defaultSession: DEFAULT_SESSIONS['claude-code'],
  screen: { ready: READY, busy: BUSY, background: BACKGROUND, draft: DRAFT },
  dialogs: [
    // In dialogs with the agent's own questions the options are one column further left.
    sign('permission', `^ \\S[^\\n]*\\n {1,3}(?:❯ )?1\\. Yes[^\\n]*\\n${NO_BOX_BELOW}`, ALLOW_OR_DENY),
    // In auto mode, if its own check failed to run: options without numbers, of which the first denies.
    sign('permission', `^ \\S[^\\n]*\\n (?:❯| ) No\\n (?:❯| ) Yes\\n${NO_BOX_BELOW}`, ALLOW_OR_DENY),
    // While a person types, the dialog stays away until 1.5 s after their last key, and the box is still there.
    sign('permission', `^ {2}Waiting for permission…\\n${BOX}${FOOTER}`, ALLOW_OR_DENY),
    sign(
      'trust',
      `^ {1,4}(?:❯ )?(?:No, exit|Yes, I trust this folder)\\n${NO_BOX_BELOW}`,
      'choose "Yes, I trust this folder" if you do, or "Yes, I accept" if it warns of the bypass mode',
    ),
    sign(
      'login',
      `^ +(?:Select login method:|Do you want to use this API key\\?|Paste code here[^\\n]*|Choose the text style[^\\n]*)\\n${NO_BOX_BELOW}`,
      'log in',
    ),
    // At the end of the transcript: the box is there, but every prompt ends this way.
    sign(
      'login',
      `^ {2}⎿[ \\u00a0]+Not logged in · [^\\n]*\\n${INDENTED}${BOX}${FOOTER}`,
      'log in with /login',
    ),
    sign(
      'other',
      `^ {1,3}(?:\\d+ new|New) MCP servers? found in this project[^\\n]*\\n${NO_BOX_BELOW}`,
      "choose whether to use the project's MCP server",
    ),
    sign(
      'other',
      `(?<=^${RULE}) +Showing detailed transcript[^\\n]*\\n?${FOOTER}`,
      'press Ctrl-O to leave the detailed transcript',
    ),
    // A selected option with no box below it: a question from the agent, a menu, a list, a settings page.
    sign('other', `^(?: {1,4}❯ \\S|❯ \\d+\\. )[^\\n]*\\n${NO_BOX_BELOW}`, ANSWER_OR_CLOSE),
    sign(
      'other',
      `(?<!^${BOX}(?: [^\\n]*\\n)*)^[^\\n]*\\b(?:Esc|Enter) to [a-z]+\\b[^\\n]*\\s*${END}`,
      ANSWER_OR_CLOSE,
    ),
    // Taller than the pane, so that the last row is in the middle of it.
    sign(
      'other',
      `(?<=^${RULE})(?<!^${BOX}) {1,2}\\S[^\\n]*\\n${NO_BOX_BELOW}(?<=\\S)`,
      'make its window larger, and answer or close (Escape) what is open there',
    ),
  ],
  // Enter at 0 ms was accepted 240 of 240 times; the margin is for a busy machine.
  settleMs: 50,
  submitKey: 'Enter',
  // C-c would do so only while idle: while busy it interrupts and keeps the draft. Twice within 3 s it quits.
  clearKey: 'C-u',
  newConversation: { text: '/clear', menu: CLEAR_ROW, done: CLEARED },
  // Once: a second one in an idle, empty box opens the list of checkpoints.
  interruptKeys: ['Escape'],
  conversation: { id: UUID, hasTranscript: true, usage: transcript },
  permission: {
    read: readPermission,
    commands: ['Bash'],
    // The number, not Enter: the selection may have changed by now, for example to "always" or auto mode. One key at a
    // time: two in one write count as a paste. In the first 0.1 s of a dialog, keys are ignored.
    allow: ['1'],
    deny: ['Escape'],
  },
  // The native installer keeps one program per version, behind a link.
  isProcess: runs(
    /(?:^|\/)claude(?:\.exe)?$|^npm exec @anthropic-ai\/claude-code\b|\/claude\/versions\/[^/]+$|\/@anthropic-ai\/claude-code[^/]*\/[^/]+$/,
  ),
  start: {
    program: 'claude',
    tried: '2.1.332',
    install: 'Install it with npm install -g @anthropic-ai/claude-code.',
    modelArgs: ['--model', '{model}'],
    // `default` is its earlier word for `manual`.
    permissionModes: optionFor('--permission-mode', [
      ...['manual', 'default', 'acceptEdits', 'plan', 'auto', 'dontAsk', 'bypassPermissions'],
    ]),
    // A second --settings replaces the first, which has our hooks; --bare runs no hooks.
    refusedArgs: /^(?:--settings|--bare|--print|-p|--bg|--background|--cloud|--desktop|--)(?:=|$)/m,
    refusedEnv: ['CLAUDE_CODE_SIMPLE'],
    takesPrompt: true,
    launch,
  },
};

/** A rule around a dialog's input, as wide as the pane; in the input it would be indented. */
const DASHED = /^╌{4,}$/;
/** A row of a command of several lines. */
const BARRED = /^ │/;
/** Says how many rows of a dialog did not fit above. */
const CUT = /^ ↑ \d+ more lines?$/;
/** The rule above a dialog. */
const TOP = /^[─▔]{3}/;
/** The option that allows once. */
const YES = /^ (?:❯| ) 1\. Yes$/;
/** In auto mode the options have neither numbers nor keys: `1`, `2` and `y` were tried and do nothing. */
const BARE = /^ (?:❯| ) No\n (?:❯| ) Yes$/;

/**
 * Only a dialog whose first option is a plain Yes can be answered by key: others allow more than once. Measured at
 * 80x24, 80x10, 40x24 and 200x50: a dialog that is taller than the pane loses its upper rows, and says so below its
 * options (`↑ 24 more lines`).
 */
function readPermission(lines: readonly string[]): ShownPermission | undefined {
  const rule = lines.findLastIndex((line) => TOP.test(line));
  const bare = lines.findLastIndex((line, at) => BARE.test(`${line}\n${lines[at + 1]}`));
  const first = bare >= 0 ? bare : lines.findLastIndex((line) => YES.test(line));
  if (first < 0 || first < rule) return undefined;
  const choice = bare >= 0 ? choiceOf(lines[bare + 1] ?? '') : undefined;
  const cut = lines.slice(first).find((line) => CUT.test(line));
  if (cut !== undefined) return readCut(lines.slice(rule + 1, first), cut);
  const options = lines.slice(first).filter((line) => /^ (?:❯| ) \d\. /.test(line));
  if (rule < 0 || (bare < 0 && !/^ (?:❯| ) \d\. No\b/.test(options.at(-1) ?? ''))) return undefined;
  const [head = '', ...rest] = lines.slice(rule + 1, first - 1);
  const title = head.trim();
  // For a command or an MCP tool, the text above the input is only a description; below it is why auto mode asks.
  const from = rest.findIndex((line) => DASHED.test(line));
  const to = rest.findLastIndex((line) => DASHED.test(line));
  const isCall = (title === 'Bash command' || title === 'Tool use') && from < to;
  const body = isCall
    ? rest.slice(from + 1, to)
    : rest
        .slice(0, to < 0 ? undefined : to)
        .filter((line) => !DASHED.test(line) && !line.startsWith(' Tip: '));
  const shown = words(body);
  // An MCP tool: `server — Title of the tool Tool: (MCP)`.
  const tool = title === 'Tool use' ? rest[0]?.trim().replace(/ Tool: \(MCP\)$/, '') : TITLES[title];
  const partial = shown.some((row) => row.endsWith('…'));
  return {
    tool: tool ?? title,
    input: shown.join('\n'),
    ...(partial && { partial }),
    ...(choice && { choice }),
  };
}

function choiceOf(yes: string): NonNullable<ShownPermission['choice']> {
  return yes.includes('❯') ? { allow: ['Enter'], row: '   No' } : { allow: ['Down', 'Enter'], row: yes };
}

/** Without its title, only a command of several lines can be recognised. */
function readCut(lines: readonly string[], cut: string): ShownPermission | undefined {
  const end = lines.findLastIndex((line) => DASHED.test(line));
  const above = lines.slice(0, Math.max(end, 0));
  const command = above.slice(above.findLastIndex((line) => !BARRED.test(line)) + 1);
  if (command.length === 0) return undefined;
  const left = `… ${cut.replace(/\D+/g, '')} more lines …`;
  return { tool: 'Bash', input: [left, ...words(command)].join('\n'), partial: true };
}

/** A dialog's rows without their indent, and without the bar at the left of a command of several lines. */
function words(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(BARRED, '').trim()).filter((line) => line !== '');
}

function launch({
  server,
  serverEnv,
  hook,
  folder,
  resume,
  conversation,
  more = [],
  prompt,
}: LaunchOptions): Launch {
  const [command, ...args] = server;
  // Loaded with the first turn: otherwise its tools are only names until the model asks for them.
  const mam = { type: 'stdio', command, args, env: serverEnv, alwaysLoad: true };
  const run = (event: string, more: object) => [
    { hooks: [{ type: 'command', command: shellCommand([...hook, event]), ...more }] },
  ];
  // Not `async`: the next event could overtake. `mam hook` takes less than this time.
  const tell = { timeout: 5 };
  const hooks = {
    UserPromptSubmit: run('UserPromptSubmit', tell),
    // Waits for a decision while the dialog is on the screen; after a timeout the dialog simply stays.
    PermissionRequest: run('PermissionRequest', { timeout: 86_400 }),
    Stop: run('Stop', tell),
    StopFailure: run('StopFailure', tell),
    SessionEnd: run('SessionEnd', tell),
  };
  return {
    args: [
      ...(conversation === undefined ? [] : ['--resume', conversation]),
      ...(resume ? ['--continue'] : []),
      '--mcp-config',
      `${folder}/mcp.json`,
      '--allowedTools',
      OWN_TOOLS.join(','),
      // An option with one value comes last: the two above would swallow the prompt.
      '--settings',
      `${folder}/settings.json`,
      ...more,
      ...(prompt === undefined ? [] : ['--', prompt]),
    ],
    env: {},
    files: {
      'mcp.json': JSON.stringify({ mcpServers: { mam } }),
      // A server named like ours in the project's .mcp.json would open a dialog at the start; ours replaces it anyway.
      'settings.json': JSON.stringify({ hooks, disabledMcpjsonServers: ['mam'] }),
    },
  };
}
