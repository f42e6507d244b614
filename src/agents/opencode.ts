import { pathToFileURL } from 'node:url';
import { DEFAULT_SESSIONS } from '../operations/agent-names.ts';
import { sign } from './dialog-sign.ts';
import type { AgentKind, Launch, LaunchOptions, ShownPermission } from './kind.ts';
import { pluginSource } from './opencode-plugin.ts';
import { optionFor } from './option-for.ts';
import { runs } from './program-of.ts';
import { ledger } from './usage/opencode.ts';

/*
 * The screen of OpenCode 1.18.33: the input box is a bar (┃) at the left of an empty row, the text, an empty row and
 * the row of the mode ("Build · MODEL"), closed by ╹▀▀▀; below it is a footer. Dialogs replace the box and
 * have no closing row. From 121 columns on a session has a sidebar, whose text follows far to the right in any row.
 * Nothing is dim (only colours are used), so placeholders are recognised by their words.
 */

/** The end of the screen; only a sidebar and the lower edge of a dialog may come before it. */
const END = String.raw`(?: {3}[^\n]*)?(?:\n(?: *┃)?(?: {20}[^\n]*)?)*(?![\s\S])`;
/** Neither a box nor a bar follows: the match belongs to the lowest box, not to the transcript. */
const LOWEST = String.raw`(?![\s\S]*[┃╹])`;
/** The closing row of the box. */
const CLOSING = String.raw`\n *╹▀{10,}[^\n]*`;
/** Any row of the box. */
const ROW = String.raw`\n *┃[^\n]*`;

/** In shell mode, where a text would be run as a command, the mode's row has no dot. A narrow pane (40 columns) wraps it. */
const READY = new RegExp(String.raw`^ *┃ {2}\S+(?: \S+)* · \S[^\n]*${CLOSING}${LOWEST}`, 'm');

/** The moving bar in the footer, or its words: a long message of a failed request hides the words. */
const BUSY = new RegExp(
  String.raw`^ *╹▀{10,}[^\n]*\n {1,4}(?:[■⬝]{3}|\[⋯\]|[^\n]*\besc (?:again to )?interrupt\b)${LOWEST}`,
  'm',
);

/** A row of the box above that of its mode, without the placeholders of the home screen. */
const DRAFT = new RegExp(
  String.raw`^ *┃ {2}[^\S\n]{0,58}(?!\s|Ask anything…|Run a command…)[^\n]+${ROW}(?:${ROW})*${CLOSING}${LOWEST}`,
  'm',
);

/** The row of `/new` in the menu above the box: the first one, which is selected; the selection is only a colour. */
const NEW_ROW = /(?<!^ *┃ \/[^\n]*\n) *┃ \/new {2,}New session\b/m;

/** The home screen: only its box has this placeholder. Measured at 160x50, 200x60, 80x24, 40x24. */
const HOME = new RegExp(String.raw`^ *┃ {2}Ask anything…[^\n]*${ROW}(?:${ROW})*${CLOSING}${LOWEST}`, 'm');

/** The buttons of a permission dialog; below 80 columns, the keys are on separate rows. */
const BUTTONS = /^ *┃ {3}Allow once {3}Allow always {3}Reject\b/;

const DIALOGS = [
  sign(
    'permission',
    String.raw`${BUTTONS.source}[^\n]*(?:\n *┃(?: {2,3}ctrl\+f[^\n]*)?(?: {20}[^\n]*)?)*${END}`,
    'choose "Allow once" or "Reject"',
  ),
  // Enter would allow it permanently ("Always allow"), or send words with a denial ("Reject permission").
  sign(
    'other',
    String.raw`^ *┃ {2}△ (?:Always allow|Reject permission)\b[^\n]*(?:${ROW})*(?![\s\S]*╹)${END}`,
    'confirm or cancel (Escape) what was started there',
  ),
  sign(
    'other',
    String.raw`^ *┃ {2}[^\n]*(?:↑↓ select|⇆ tab|esc dismiss)[^\n]*(?:${ROW})*(?![\s\S]*╹)${END}`,
    'answer its question, or dismiss it with Escape',
  ),
  sign(
    'other',
    String.raw`^ *┃ {2}Shell(?: {3}[^\n]*)?${CLOSING}${LOWEST}`,
    'leave its shell mode with Escape',
  ),
  // Anything else that replaces the box: the last non-empty row is a bar.
  sign(
    'other',
    String.raw`^ {1,2}┃(?: [^\n]*)?(?:\n(?: {20}[^\n]*)?)*(?![\s\S])`,
    'answer or close (Escape) what it shows',
  ),
  // A list over the screen, with the box perhaps still visible below: its first row has a title and the closing key.
  sign(
    'other',
    String.raw`^(?:.* )? {2}\S[^\n]* {3,}esc(?:\/enter)?(?: {2}[^\n]*)?$`,
    'close the open list with Escape',
  ),
  // Commands or files to choose from; Enter would select one. Only this list has bars on both sides.
  sign(
    'other',
    String.raw`^ *┃ [^\n]*┃(?: {2}[^\n]*)?\n *┃(?: {20}[^\n]*)?(?:${ROW})*${CLOSING}${LOWEST}`,
    'close the open list with Escape and empty the input box',
  ),
];

/** Subcommands that show no input box; `attach` and a project's path do. */
const NOT_INTERACTIVE =
  /^(?:completion|acp|mcp|run|debug|providers|auth|agent|upgrade|uninstall|serve|web|models|stats|export|import|github|session|plugin|plug|db)$/;

/** OpenCode 1.18.33, a native program. */
export const opencode: AgentKind = {
  name: 'opencode',
  title: 'OpenCode',
  defaultSession: DEFAULT_SESSIONS.opencode,
  screen: { ready: READY, busy: BUSY, draft: DRAFT },
  dialogs: DIALOGS,
  // At 0 ms Enter was lost 2 of 15 times on a cold start; from 50 ms on, never.
  settleMs: 60,
  submitKey: 'Enter',
  // Clears the row up to the cursor; a pasted text is one row ("[Pasted ~3 lines]"). C-c clears everything, but quits
  // if the box is empty.
  clearKey: 'C-u',
  // With a blank after it, it would be a prompt for the model.
  newConversation: { text: '/new', menu: NEW_ROW, done: HOME },
  // The second within 5 s, but at least 20 ms later: together they are read as one Alt-Escape. Idle, they do nothing.
  interruptKeys: ['Escape', 'Escape'],
  conversation: { id: /^ses_[A-Za-z0-9]{10,60}$/, hasTranscript: false, usage: ledger },
  permission: {
    read: readPermission,
    commands: ['bash', 'Shell command'],
    // The first button has the focus. On the others Enter rejects, or asks once more ("Always allow").
    allow: ['Enter'],
    // For a subagent's request, another dialog then asks for a reason.
    deny: ['Escape'],
  },
  // npm names it `opencode.exe` on every system.
  isProcess: runs(/(?:^|\/)\.?opencode(?:\.exe)?$/, NOT_INTERACTIVE),
  start: {
    program: 'opencode',
    tried: '1.18.33',
    install: 'Install it with npm install -g opencode-ai.',
    modelArgs: ['--model', '{model}'],
    permissionModes: { ...optionFor('--agent', ['build', 'plan']), auto: ['--auto'] },
    // --pure loads no plugins, and so not ours; --mini has another screen.
    refusedArgs: /^(?:--pure|--mini|--prompt|--)(?:=|$)/m,
    refusedEnv: ['OPENCODE_PURE'],
    takesPrompt: true,
    launch,
  },
};

/** Tools of other servers and tasks of subagents: their input is not shown. */
const NAMED_ONLY = /^(?:⚙ Call tool|# \S+ Task)\b/;
/** From the title's row to the last row of the dialog. */
const FULL_ROWS = 13;

function readPermission(lines: readonly string[]): ShownPermission | undefined {
  const buttons = lines.findLastIndex((line) => BUTTONS.test(line));
  if (buttons < 0 || lines.slice(buttons).some((line) => line.includes('╹'))) return undefined;
  const top = lines.findLastIndex((line, at) => at < buttons && /^ *┃ {2}△ Permission required/.test(line));
  if (top < 0) return undefined;
  // The keys end 3 columns before the dialog does; anything to the right of it belongs to the sidebar.
  const keys = lines[buttons] ?? '';
  const confirm = keys.indexOf('enter confirm');
  const width = confirm < 0 ? keys.length : confirm + 'enter confirm'.length + 3;
  const body = lines.slice(top + 1, buttons).map((line) => line.slice(0, width).replace(/^ *┃/, '').trim());
  const partial = isFull(lines, top, body) || top <= 1 || NAMED_ONLY.test(body[0] ?? '');
  const [title = '', ...rest] = body.filter((line) => line !== '');
  // The title begins with an icon, the command with a prompt sign.
  const input = rest.join('\n').replace(/ {2,}/g, ' ').replace(/^\$ /, '');
  return { tool: title.replace(/^\S /u, ''), input, ...(partial && { partial }) };
}

/**
 * True if a dialog has its maximum height: it does not say whether more rows follow. Measured at 80x24, 80x16, 40x24
 * and 100x30: seven rows of a command or of a diff, five if the keys are on separate rows. A diff has numbers in all
 * its rows, and its dialog always has that height; the last visible rows of a command may be empty.
 */
function isFull(lines: readonly string[], top: number, body: readonly string[]): boolean {
  const end = lines.findLastIndex((line) => /^ *┃/.test(line));
  if (end - top < FULL_ROWS) return false;
  return !/^[→←] /.test(body[0] ?? '') || body.at(-3) !== '';
}

/** Name of our plugin's file. */
const PLUGIN = 'mam-plugin.js';

/**
 * OPENCODE_CONFIG_CONTENT is merged over the user's and the project's configuration; lists are joined, and of the
 * permissions the last match counts, which is then ours. Its MCP servers inherit the environment, including TMUX_PANE.
 */
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
  const config = {
    $schema: 'https://opencode.ai/config.json',
    mcp: {
      mam: {
        type: 'local',
        command: server,
        environment: serverEnv,
        enabled: true,
        // For the start and for each call; the default for the start is 5 s, too short for a busy machine.
        timeout: 60_000,
      },
    },
    permission: { mam_publish_event: 'allow', mam_job_status: 'allow' },
    plugin: [pathToFileURL(`${folder}/${PLUGIN}`).href],
  };
  return {
    // Without a session to continue it starts a new one. One word, so that a prompt may begin with a dash.
    args: [
      ...(conversation === undefined ? [] : ['--session', conversation]),
      ...(resume ? ['--continue'] : []),
      ...more,
      ...(prompt === undefined ? [] : [`--prompt=${prompt}`]),
    ],
    env: { OPENCODE_CONFIG_CONTENT: JSON.stringify(config) },
    files: { [PLUGIN]: pluginSource(hook, folder) },
  };
}
