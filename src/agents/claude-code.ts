import { basename } from 'node:path';
import type { AgentKind, Launch, LaunchOptions, ShownPermission } from './kind.ts';
import { shellCommand } from './shell.ts';

/*
 * The screen of Claude Code 2.1.330 from the bottom: footer rows, which are indented; a rule; the input box, whose first
 * row begins with the prompt sign and a no-break space (which `trimEnd` removes from an empty one); a rule. A dialog
 * stands in place of all that, so that no rule follows it. Everything of the transcript is above, where it can't match.
 */
const END = '(?![\\s\\S])';
/** Rows up to the end of the screen, none of which is a rule: only a dialog has no box below it. */
const NO_BOX_BELOW = `(?:(?![─▔])[^\\n]*\\n)*(?![─▔])[^\\n]*${END}`;
/** More rows of the box; a person's empty row is empty. */
const MORE = '(?:(?: {2}[^\\n]*)?\\n)*';
/** The rule may hold the name of the session, or how many rows of a long text have scrolled out above it. */
const RULE = '─{3}[^\\n]*\\n';
const SCROLLED = '─{3} ↑ \\d+ more [^\\n]*\\n';
const INDENTED = '(?:(?: [^\\n]*)?\\n)*';
const FOOTER = `${INDENTED}(?: [^\\n]*)?${END}`;
/** Any box with its rules: `!` in place of the sign is the shell mode. */
const BOX = `(?:${RULE}[❯!][^\\n]*\\n|${SCROLLED})${MORE}${RULE}`;

/** The footer row with the permission mode, which only the box of this session has: not that of the agents view. */
const MODE = '(?: [^\\n]*\\n)*? {2}(?:-- [A-Z ]+ -- )?[⏸⏵]';

/** A slash command opens a popup, in which Enter chooses. */
const READY = new RegExp(
  `(?:(?<=^${RULE})❯(?:[ \\u00a0](?!\\/)[^\\n]*)?\\n|^${SCROLLED})${MORE}${RULE}${MODE}[^\\n]*\\n?${FOOTER}`,
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

/**
 * Placeholders are dim and their first letter is reversed, so nothing of them is left here; nor of the words in a rule.
 */
const DRAFT = new RegExp(
  `(?<=^${RULE})[❯!][ \\u00a0]*(?:\\S[^\\n]*\\n${MORE}|\\n\\n*? {2}\\S[^\\n]*\\n${MORE})${RULE}${FOOTER}` +
    `|(?<=^${RULE}) {2,}\\S[^\\n]*\\n${MORE}${RULE}${FOOTER}`,
  'm',
);

/** Which of our tool names a dialog's title stands for. */
const TITLES: Readonly<Record<string, string>> = {
  'Bash command': 'Bash',
  'Edit file': 'Edit',
  'Create file': 'Write',
  'Overwrite file': 'Write',
  Fetch: 'WebFetch',
};

/** Our own tools need no permission, all others go on to ask for one. */
const OWN_TOOLS = ['mcp__mam__publish_event', 'mcp__mam__job_status'];

/** Claude Code 2.1.330, the native program. */
export const claudeCode: AgentKind = {
  name: 'claude-code',
  title: 'Claude Code',
  defaultSession: 'claude',
  screen: { ready: READY, busy: BUSY, draft: DRAFT },
  dialogs: [
    {
      name: 'permission',
      // In a dialog of its own questions the options stand one column further left.
      pattern: new RegExp(`^ \\S[^\\n]*\\n {1,3}(?:❯ )?1\\. Yes[^\\n]*\\n${NO_BOX_BELOW}`, 'm'),
      remedy: 'allow or deny what it asks for',
    },
    {
      name: 'permission',
      // While a person types, the dialog stays away until 1.5 s after their last key, and the box is still there.
      pattern: new RegExp(`^ {2}Waiting for permission…\\n${BOX}${FOOTER}`, 'm'),
      remedy: 'allow or deny what it asks for',
    },
    {
      name: 'trust',
      pattern: new RegExp(`^ {1,4}(?:❯ )?(?:No, exit|Yes, I trust this folder)\\n${NO_BOX_BELOW}`, 'm'),
      remedy:
        'choose "Yes, I trust this folder" if you do, or "Yes, I accept" if it warns of the bypass mode',
    },
    {
      name: 'login',
      pattern: new RegExp(
        `^ +(?:Select login method:|Do you want to use this API key\\?|Paste code here[^\\n]*|Choose the text style[^\\n]*)\\n${NO_BOX_BELOW}`,
        'm',
      ),
      remedy: 'log in',
    },
    {
      name: 'login',
      // As the last word of the transcript: the box is there, but every prompt ends like that.
      pattern: new RegExp(`^ {2}⎿[ \\u00a0]+Not logged in · [^\\n]*\\n${INDENTED}${BOX}${FOOTER}`, 'm'),
      remedy: 'log in with /login',
    },
    {
      name: 'other',
      pattern: new RegExp(
        `^ {1,3}(?:\\d+ new|New) MCP servers? found in this project[^\\n]*\\n${NO_BOX_BELOW}`,
        'm',
      ),
      remedy: "choose whether to use the project's MCP server",
    },
    {
      name: 'other',
      pattern: new RegExp(`(?<=^${RULE}) +Showing detailed transcript[^\\n]*\\n?${FOOTER}`, 'm'),
      remedy: 'press Ctrl-O to leave the detailed transcript',
    },
    {
      // A chosen option with no box below it: a question of the agent's, a menu, a list, a settings page.
      name: 'other',
      pattern: new RegExp(`^(?: {1,4}❯ \\S|❯ \\d+\\. )[^\\n]*\\n${NO_BOX_BELOW}`, 'm'),
      remedy: 'answer or close (Escape) what is open there',
    },
    {
      name: 'other',
      pattern: new RegExp(
        `(?<!^${BOX}(?: [^\\n]*\\n)*)^[^\\n]*\\b(?:Esc|Enter) to [a-z]+\\b[^\\n]*\\s*${END}`,
        'm',
      ),
      remedy: 'answer or close (Escape) what is open there',
    },
  ],
  // Enter at 0 ms was taken 240 of 240 times; the rest is for a busy machine.
  settleMs: 50,
  submitKey: 'Enter',
  // Only idle: while it is busy, C-c interrupts and keeps the draft. Twice within 3 s it quits.
  clearKey: 'C-c',
  // Once: a second one in an idle, empty box opens the list of its checkpoints.
  interruptKeys: ['Escape'],
  permission: {
    read: readPermission,
    commands: ['Bash'],
    // The number, not Enter: the chosen option may be another one by now, such as "always" or the auto mode. One key
    // at a time: two in one write are taken for a paste. In the first 0.1 s of a dialog keys are ignored.
    allow: ['1'],
    deny: ['Escape'],
  },
  isProcess,
  start: {
    program: 'claude',
    tried: '2.1.330',
    install: 'Install it with npm install -g @anthropic-ai/claude-code.',
    takesPrompt: true,
    launch,
  },
};

/** Only a dialog whose first option is a plain Yes is one that a key can answer: others allow more than once. */
function readPermission(lines: readonly string[]): ShownPermission | undefined {
  const rule = lines.findLastIndex((line) => /^[─▔]{3}/.test(line));
  const yes = lines.findLastIndex((line) => /^ (?:❯| ) 1\. Yes$/.test(line));
  // A dialog taller than the pane has lost its top: nobody could tell what would be allowed.
  if (rule < 0 || yes < rule || lines.slice(yes).some((line) => /^ ↑ \d+ more lines?$/.test(line)))
    return undefined;
  const options = lines.slice(yes).filter((line) => /^ (?:❯| ) \d\. /.test(line));
  if (!/^ (?:❯| ) \d\. No\b/.test(options.at(-1) ?? '')) return undefined;
  // A command of several lines has a bar at its left.
  const [title = '', ...rest] = lines.slice(rule + 1, yes - 1).map((line) => line.replace(/^ │/, '').trim());
  // Dashed rules are around the input; what is above that of a command or an MCP tool is only a description.
  const first = rest.findIndex(isDashed);
  const last = rest.findLastIndex(isDashed);
  const isCall = title === 'Bash command' || title === 'Tool use';
  const body = isCall && first < last ? rest.slice(first + 1, last) : rest;
  const words = body.filter((line) => line !== '' && !isDashed(line) && !line.startsWith('Tip: '));
  // An MCP tool: `server — Title of the tool Tool: (MCP)`.
  const tool = title === 'Tool use' ? rest[0]?.replace(/ Tool: \(MCP\)$/, '') : TITLES[title];
  return { tool: tool ?? title, input: words.join(' ') };
}

function isDashed(line: string): boolean {
  return /^╌{4}/.test(line);
}

function isProcess(argv: readonly string[]): boolean {
  const [program = '', ...args] = argv;
  if (/^claude(?:\.exe)?$/.test(basename(program))) return true;
  // npx names its process so.
  if (/^npm exec @anthropic-ai\/claude-code\b/.test(program)) return true;
  // The native installer keeps its programs by version, behind a link.
  if (/\/claude\/versions\/[^/]+$/.test(program)) return true;
  if (!/^(?:node|bun|nodejs)$/.test(basename(program))) return false;
  const script = args.find((arg) => !arg.startsWith('-')) ?? '';
  return basename(script) === 'claude' || /\/@anthropic-ai\/claude-code[^/]*\/[^/]+$/.test(script);
}

function launch({ server, serverEnv, hook, folder, resume, prompt }: LaunchOptions): Launch {
  const [command, ...args] = server;
  // Loaded with the first turn: its tools are else only names until the model asks for them.
  const mam = { type: 'stdio', command, args, env: serverEnv, alwaysLoad: true };
  const run = (event: string, more: object) => [
    { hooks: [{ type: 'command', command: shellCommand([...hook, event]), ...more }] },
  ];
  // Not `async`: the next event could overtake. `mam hook` takes less than its time.
  const tell = { timeout: 5 };
  const hooks = {
    UserPromptSubmit: run('UserPromptSubmit', tell),
    // Waits for a decision while the dialog is on the screen; at the end of the time the dialog just stays.
    PermissionRequest: run('PermissionRequest', { timeout: 86_400 }),
    Stop: run('Stop', tell),
    StopFailure: run('StopFailure', tell),
    SessionEnd: run('SessionEnd', tell),
  };
  return {
    args: [
      ...(resume ? ['--continue'] : []),
      '--mcp-config',
      `${folder}/mcp.json`,
      '--allowedTools',
      OWN_TOOLS.join(','),
      // An option with one value comes last: the two above would swallow the prompt.
      '--settings',
      `${folder}/settings.json`,
      ...(prompt === undefined ? [] : ['--', prompt]),
    ],
    env: {},
    files: {
      'mcp.json': JSON.stringify({ mcpServers: { mam } }),
      // A server of our name in the project's .mcp.json would raise a dialog at the start; ours takes its place anyway.
      'settings.json': JSON.stringify({ hooks, disabledMcpjsonServers: ['mam'] }),
    },
  };
}
