import { sha256 } from '../base/sha256.ts';
import { shellCommand } from '../base/shell.ts';
import { DEFAULT_SESSIONS } from '../operations/agent-names.ts';
import { ALLOW_OR_DENY, sign } from './dialog-sign.ts';
import { type AgentKind, type Launch, type LaunchOptions, type ShownPermission, UUID } from './kind.ts';
import { optionFor } from './option-for.ts';
import { runs } from './program-of.ts';
import { transcript } from './usage/codex.ts';

/*
 * The screen of Codex 0.171.0 from the bottom: one or two footer rows, which are indented; an empty row; the input box,
 * whose first row alone begins with the prompt sign, its other rows indented by two; above it what is running or queued.
 * A menu or a dialog replaces all that, and its last rows say what Enter and Escape do. Earlier prompts begin with the
 * same sign (dim), but rows that are not indented follow them: the agent's words, or the box.
 */
const END = '\\s*(?![\\s\\S])';
/** Rows that are empty or indented. */
const INDENTED = '(?:\\n(?: [^\\n]*)?)*';
/** The rows below the box. */
const FOOTER = '\\n\\n {2,}\\S';
const BOX_TO_END = `(?=[^\\n]*${INDENTED}${FOOTER})[^\\n]*${INDENTED}${END}`;

/** Below a box whose text is sent once the MCP servers have started. */
const STARTING = ' {2}Waiting for startup\\b';
/** A row that names keys: `enter select · esc back`, `enter to submit | esc to cancel`, `? / esc close`. */
const KEYS =
  `^(?!${STARTING})` +
  ' {1,2}(?:[^\\n]*(?:[·|/] | {2}|\\bor ))?(?:Press )?(?:enter|esc) (?:to )?' +
  '(?:back|cancel|close|confirm|continue|details|dismiss|exit|open|rewind|resume|save|select|skip|submit|toggle)\\b[^\\n]*';
/** Modes in which keys do not enter text. */
const MODES =
  '^ +(?:[^\\n]* )?(?:Browsing transcript ·|reverse-i-search:|Shell mode\\b|Vim: Normal\\b)[^\\n]*';
/** In the last two non-empty rows: the rows of the box and the transcript are above. */
const MODAL = `(?:${KEYS}|${MODES})(?:\\n+[^\\n]+)?${END}`;
/** A panel above the box that takes keys (F2). */
const PANEL = `^ {2}[^\\n]*\\besc (?:dismiss & )?close\\b[^\\n]*\\n+› ${BOX_TO_END}`;

/** A slash command in the box opens a popup, in which Enter chooses. */
const READY = new RegExp(`^›(?! \\/)(?: |$)${BOX_TO_END}`, 'm');

/**
 * The row above the box, whose words change with what the model does; below it what it runs, and what is queued to be
 * sent. While the MCP servers start, only the latter is shown, or a footer row says so. The agent's own words have
 * `Worked for 3s` below them.
 */
const WAITING = '• (?:Queued follow-up inputs|Messages to be submitted after next tool call|Queued [^\\n]*)';
const BUSY = new RegExp(
  `^(?:[•◦] [^\\n]*\\((?:\\d+[hms] ?)+ • esc to interrupt\\)[^\\n]*|${WAITING}[^\\n]*)\\n` +
    `(?:(?: (?! Worked for )[^\\n]*|${WAITING}[^\\n]*)?\\n)*› ${BOX_TO_END}` +
    `|^${STARTING}[^\\n]*(?:\\n+[^\\n]+)?${END}`,
  'm',
);

/** The sign of an earlier prompt is dim, and a selected menu row is reversed: both have been removed here. */
const DRAFT = /^(?:›[^\S\n]+|![^\S\n]*)\S[^\n]*/m;
/** An empty box always shows a placeholder: without one, blanks or empty rows precede a person's words. */
const BLANK_DRAFT = new RegExp(`^›(?=\\n)${BOX_TO_END}`, 'm');

/** The program's own rows without any prompt or answer. Measured at 160x50, 200x60, 80x24, 40x24. */
const NEW_CHAT = new RegExp(
  `^ *>_ OpenAI Codex \\(v[^\\n]*\\n(?:(?![›•])[^\\n]*\\n)*›(?! \\/)(?: |$)${BOX_TO_END}`,
  'm',
);

const CONFIRM = 'Press enter to confirm or esc\\s+to\\s+cancel';
/** A narrow pane cuts off its end. */
const SUBMIT = 'enter to submit \\| e[a-z ]*(?:\\n +cancel)?';

/** Subcommands that have no screen to type into. */
const NOT_SHOWN =
  /^(?:app-server|exec|e|review|mcp|mcp-server|queue|exec-server|sandbox|login|logout|doctor)$/;

/** Codex 0.171.0. */
export const codex: AgentKind = {
  name: 'codex',
  title: 'Codex CLI',
  defaultSession: DEFAULT_SESSIONS.codex,
  screen: { ready: READY, busy: BUSY, draft: DRAFT, blankDraft: BLANK_DRAFT },
  dialogs: [
    sign(
      'permission',
      `^ {2}(?:Would you like to |Do you want to approve |Allow the )[^\\n]*\\n[\\s\\S]*` +
        `^ *(?:› )?1\\. (?:Yes|Allow)[\\s\\S]*(?:${CONFIRM}|${SUBMIT})${END}`,
      ALLOW_OR_DENY,
    ),
    sign(
      'trust',
      `^ {2}Trust this folder\\?[\\s\\S]*^[ ›] 1\\. Trust[^\\n]*\\n[\\s\\S]*${KEYS}${END}`,
      'choose "Trust and continue" if you do',
    ),
    sign('login', `^ *(?:> )?1\\. Sign in with ChatGPT\\b[\\s\\S]*${KEYS}${END}`, 'log in'),
    sign(
      'update',
      `^ {2}Update available\\b[\\s\\S]*^[ ›] 1\\. Update now[\\s\\S]*${KEYS}${END}`,
      'choose "Skip", or update and start Codex again',
    ),
    sign(
      'hooks',
      `^ {2}Hooks need review\\n[\\s\\S]*^[ ›] 1\\. Review hooks[\\s\\S]*${KEYS}${END}`,
      'review the hooks, or choose "Continue without trusting"',
    ),
    sign(
      'other',
      `${MODAL}|${PANEL}`,
      'answer or close (Escape) what is open there, until the empty input box is back',
    ),
  ],
  // Enter at 0 ms was accepted 18 of 18 times, six right after the first screen; the margin is for a busy machine.
  settleMs: 50,
  submitKey: 'Enter',
  clearKey: 'C-u',
  // With a blank after it, no menu opens. Its server is started again for each chat; the old ones stay until it ends.
  newConversation: { text: '/new ', done: NEW_CHAT },
  // Only while it is busy: in an idle, empty box it opens the transcript browser, in a dialog it denies.
  interruptKeys: ['Escape'],
  conversation: { id: UUID, hasTranscript: true, usage: transcript },
  permission: {
    read: readPermission,
    commands: ['Bash'],
    // The number, not Enter: the selection may have changed by now. The dialog for MCP tools does not accept `y`.
    allow: ['1'],
    // Also ends the turn, except for MCP tools.
    deny: ['Escape'],
  },
  // Releases outside npm are named by their platform: `codex-x86_64-unknown-linux-musl`.
  isProcess: runs(
    /(?:^|\/)codex(?:-(?:x86_64|aarch64)-[\w-]+)?(?:\.exe)?$|^npm exec @openai\/codex\b|\/@openai\/codex\/bin\/codex\.js$/,
    NOT_SHOWN,
  ),
  start: {
    program: 'codex',
    tried: '0.171.0',
    install: 'Install it with npm install -g @openai/codex.',
    modelArgs: ['--model', '{model}'],
    permissionModes: {
      ...optionFor('--sandbox', ['read-only', 'workspace-write', 'danger-full-access']),
      ...optionFor('--ask-for-approval', ['on-request', 'never']),
      'approve-for-me': ['--approve-for-me'],
    },
    // A later -c replaces an earlier one; a remote server has neither our server nor our hooks.
    refusedArgs:
      /^(?:(?:-c|--config)[=\n]?[ "]*(?:mcp_servers[ "]*=|mcp_servers[ "]*\.[ "]*mam\b|hooks\b|features[ "]*=|features\.hooks\b)|--disable[=\n]hooks\b|--remote(?:=|$)|--$)/m,
    refusedEnv: [],
    takesPrompt: true,
    launch,
  },
};

/** Codex's own notes on a request. */
const NOTE = /^(?:Environment|Reason|Thread|Description): /;
/** The question, above the details of the request. */
const QUESTION = /^ {2}(?:Would you like to |Do you want to approve |Allow the )/;
/** The first option, if it allows once. */
const YES = /^ *(?:› )?1\. (?:Yes, proceed|Yes, just this once|Allow)(?: |$)/;
/** What may follow it: options, the rest of a wrapped one, and the row of keys. */
const BELOW_YES = /^(?: *(?:› )?\d\. | {5,}| {2}(?:Press enter|cancel|option \d|enter to submit)|$)/;
/** Shown in place of rows that did not fit. */
const CUT = /^ *\[… \d+ lines?\]/;
/** An MCP tool's dialog shows at most this many arguments, and cuts a long one off with dots. */
const SHOWN_ARGUMENTS = 3;

/**
 * Only a dialog whose first option allows once can be answered by key. Tools are named as Codex's hooks name them.
 * Measured at 80x24, 80x14, 80x10, 40x24 and 200x50: of a command that does not fit, the first rows are shown, then `[…
 * 66 lines] ^a view all` right above the options, where a whole one has an empty row; a low pane shows none of it. Of
 * an edit only the file is shown.
 */
function readPermission(lines: readonly string[]): ShownPermission | undefined {
  // A command may contain such rows too: of two questions, the upper one is the dialog's.
  const title = lines.findIndex((line) => QUESTION.test(line));
  const yes = lines.findLastIndex((line) => YES.test(line));
  const tail = lines.slice(yes).join('\n');
  if (title < 0 || yes < title || !new RegExp(`(?:${CONFIRM}|${SUBMIT})${END}`).test(tail)) return undefined;
  const asked = lines.slice(title, yes);
  const isClear =
    asked.filter((line) => QUESTION.test(line)).length === 1 &&
    !asked.some((line) => YES.test(line) || CUT.test(line)) &&
    asked.at(-1)?.trim() === '' &&
    lines.slice(yes).every((line) => BELOW_YES.test(line));
  const rows = asked.map((line) => line.trim());
  const space = rows.indexOf('');
  const question = rows.slice(0, space < 0 ? 1 : space).join(' ');
  const body = rows.slice(space < 0 ? 1 : space).filter((row) => row !== '');
  const shown = (tool: string, input: string, isWhole = true): ShownPermission => ({
    tool,
    input,
    ...(!(isClear && isWhole) && { partial: true }),
  });
  const [, server, tool] = /^Allow the (\S+) MCP server to run tool "([^"]+)"/.exec(question) ?? [];
  if (tool !== undefined) {
    const values = body.filter((row) => /^[\w-]+: /.test(row));
    const isWhole = values.length < SHOWN_ARGUMENTS && !body.some((row) => row.endsWith('...'));
    return shown(`mcp__${server}__${tool}`, body.join('\n'), isWhole);
  }
  // Text above the command is not run; the same text within the command is.
  const prompt = body.findIndex((row) => row.startsWith('$ '));
  if (/run the following command/.test(question)) {
    // The pane is too low to show any of the command.
    if (prompt < 0) return undefined;
    return shown('Bash', body.slice(prompt).join('\n').slice(2));
  }
  const words = body.filter((row) => !NOTE.test(row)).join('\n');
  if (/make the following edits/.test(question)) return shown('apply_patch', words, false);
  return shown(question, words);
}

/** Events passed to `mam hook`, with their time limits in seconds; Codex allows at most 3 for Interrupt and SessionEnd. */
const HOOKS: readonly (readonly [event: string, seconds: number])[] = [
  ['UserPromptSubmit', 5],
  // Codex shows the dialog only when this hook has ended, so it must not wait for a decision.
  ['PermissionRequest', 5],
  ['PostToolUse', 5],
  ['Interrupt', 3],
  ['Stop', 5],
  ['SessionEnd', 3],
];

/** The source that Codex reports for a hook passed with `-c`. */
const FLAGS = '/<session-flags>/config.toml';

/**
 * Everything is passed with `-c`, which overrides the user's configuration for this session only. Any `-c` also keeps
 * Codex from sharing its background server, in which our server would have another pane's environment.
 */
function launch({ server, serverEnv, hook, resume, conversation, more = [], prompt }: LaunchOptions): Launch {
  const [command, ...args] = server;
  const mam: Toml = {
    command,
    args,
    env: { ...serverEnv },
    // A server's environment contains only the variables named here.
    env_vars: ['TMUX', 'TMUX_PANE'],
    enabled: true,
    // Codex then holds the first prompt until the tools are available, and exits if they can't be.
    required: true,
    startup_timeout_sec: 30,
    tools: { publish_event: { approval_mode: 'approve' }, job_status: { approval_mode: 'approve' } },
  };
  const handlers = HOOKS.map(([event, timeout]) => ({
    event,
    handler: { type: 'command', command: shellCommand([...hook, event]), timeout, async: false },
  }));
  const trust = handlers.map(({ event, handler }) => [
    `${FLAGS}:${snakeCase(event)}:0:0`,
    { trusted_hash: trustHash(event, handler) },
  ]);
  const settings = [
    `mcp_servers.mam=${toml(mam)}`,
    ...handlers.map(({ event, handler }) => `hooks.${event}=${toml([{ hooks: [handler] }])}`),
    `hooks.state=${toml(Object.fromEntries(trust))}`,
  ];
  return {
    args: [
      ...(conversation === undefined ? [] : ['resume', conversation]),
      ...(resume ? ['resume', '--last'] : []),
      ...settings.flatMap((setting) => ['-c', setting]),
      ...more,
      ...(prompt === undefined ? [] : ['--', prompt]),
    ],
    env: {},
    files: {},
  };
}

/**
 * Codex runs a hook only if the user has trusted exactly this command, which it stores as a hash of the hook. Passing
 * the hash with the hook trusts only ours, and only in this session; the user's hooks are not affected. If Codex
 * changes how it hashes, it asks its user ("Hooks need review").
 */
function trustHash(event: string, handler: { command: string; timeout: number }): string {
  const { command, timeout } = handler;
  // The keys are in alphabetical order.
  const hooks = [{ async: false, command, timeout, type: 'command' }];
  const identity = JSON.stringify({ event_name: snakeCase(event), hooks });
  return `sha256:${sha256(identity)}`;
}

function snakeCase(event: string): string {
  return event.replace(/(?!^)[A-Z]/g, '_$&').toLowerCase();
}

type Toml = string | number | boolean | Toml[] | { [key: string]: Toml };

function toml(value: Toml): string {
  // JSON strings are valid TOML, except for one character.
  if (typeof value === 'string') return JSON.stringify(value).replaceAll('\x7f', '\\u007f');
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(toml).join(',')}]`;
  const pairs = Object.entries(value).map(([key, inner]) => `${toml(key)}=${toml(inner)}`);
  return `{${pairs.join(',')}}`;
}
