import { readFileSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { shellCommand } from '../base/shell.ts';
import { DEFAULT_SESSIONS } from '../operations/agent-names.ts';
import { ALLOW_OR_DENY, ANSWER_OR_CLOSE, sign } from './dialog-sign.ts';
import { type AgentKind, type Launch, type LaunchOptions, type ShownPermission, UUID } from './kind.ts';
import { optionFor } from './option-for.ts';
import { runs } from './program-of.ts';
import { transcript } from './usage/gemini.ts';

/*
 * The screen of Gemini CLI 0.61.0 from the bottom: the footer (one row of labels and one of values, or less); the input
 * box; a row or two of hints; a rule; the spinner while it is busy. The box has edges of half blocks if the terminal is
 * known to have true colour (COLORTERM), otherwise empty rows. Earlier prompts look just like the box, but have no
 * footer below them. A dialog replaces all that, so no rule and no edge follows it.
 * The screen is drawn from the top, and after a pane was narrowed old rows may stay below the footer.
 */
const END = '(?![\\s\\S])';
const ROW = '[^\\n]*\\n';
const RULE = `─{10,}\\n`;
/** Rows of hints between the rule and the box: a narrow pane has up to three. */
const HINTS = '(?: [^\\n]*\\n|\\n){0,4}?';
const TOP = `(?:▄{10,}\\n|${RULE}${HINTS}\\n)`;
const BOTTOM = '(?:▀{10,}\\n?|\\n)';
/** More rows of the text; a person's empty row is empty. */
const MORE = '(?: {3}[^\\n]*\\n|\\n)*?';
/** A popup's rows are above the footer, so anything longer than the shortest footers must begin with the footer's labels. */
const FOOTER = `(?: +workspace \\(/directory\\)[^\\n]*(?:\\n(?!─{10}|▀{10}|[╭╰]─)[^\\n]*)*|(?: [^\\n]*\\n?){0,2}\\s*)${END}`;
const REST_OF_BOX = `${MORE}${BOTTOM}${FOOTER}`;
/** Rows up to the end of the screen that are not part of a box: only a dialog has none below it. */
const NO_BOX_BELOW = `(?:(?!─{10}|▀{10}| {0,1}╭─)[^\\n]*\\n)*(?!─{10}|▀{10}| {0,1}╭─)[^\\n]*${END}`;
/** Rows up to the lower edge of the same dialog. */
const DIALOG_END = `(?: ?│${ROW})*? ?╰─+╯\\n?${NO_BOX_BELOW}`;

/** `*` is the mode that allows everything. Not ready: `!` is shell mode, `(r:)` is the search, and `/` opens a popup. */
const READY = new RegExp(
  `(?<=^${TOP}) [>*](?! +/)(?! +Press 'i' for INSERT)(?:[^\\n]*)\\n${REST_OF_BOX}`,
  'm',
);

/** The names of running hooks may overflow the line's end, and the hint on the right its beginning. */
const BUSY = new RegExp(
  `^(?: [⠁-⣿] |\\? for shortcuts)[^\\n]*\\(esc to c[^\\n]*\\n(?: *(?:\\? for shortcuts)?\\n)?${RULE}${HINTS}(?:▄{10,}|)\\n [>*!(]${ROW}${REST_OF_BOX}`,
  'm',
);

/** Placeholders are grey, not dim, so they are recognised by their words; the cursor's blank before them may be missing. */
const PLACEHOLDER =
  " {2,3}(?:Type your (?:message or|shell command)[^\\n]*|Press '(?:i|Esc)' for [A-Z]+ mode\\.)\\n";
const DRAFT = new RegExp(
  // The rule may be dim, so it can't be required here.
  `(?<=^(?:▄{10,})?\\n) (?:[>*!]|\\(r:\\))(?!${PLACEHOLDER})(?: *\\n(?: *\\n)*)?[^\\S\\n]+\\S${ROW}${REST_OF_BOX}`,
  'm',
);

/** Any row but a prompt or an answer. */
const OWN_ROW = `(?! > (?! {2}(?:Type your|Press '))|✦)${ROW}`;
/** What it warns of as it starts. */
const WARNINGS = `(?:⚠ ${ROW}(?: {3}\\S${ROW})*)*`;
/** While it starts, and with `ui.hideBanner`, there is nothing above its rule but its warnings and a hint. */
const BARE = `(?<![\\s\\S])\\n+${WARNINGS}\\n*(?: {2}${ROW})?${RULE}${HINTS}(?:▄{10,})?\\n`;

/** Its header and the box, without any prompt or answer. Measured at 160x50 and 80x24. */
const CLEARED = new RegExp(
  `(?:Gemini CLI v${ROW}(?:${OWN_ROW})*|${BARE}) [>*] {2,3}(?:Type your|Press ')${ROW}${REST_OF_BOX}`,
);

/** Gemini CLI 0.61.0. */
export const gemini: AgentKind = {
  name: 'gemini',
  title: 'Gemini CLI',
  defaultSession: DEFAULT_SESSIONS.gemini,
  screen: { ready: READY, busy: BUSY, draft: DRAFT },
  dialogs: [
    sign('permission', `^│ [● ] 1\\. Allow once *│\\n${DIALOG_END}`, ALLOW_OR_DENY),
    sign(
      'trust',
      `^ ?│ [● ] 1\\. Trust folder\\b[^\\n]*│\\n${DIALOG_END}`,
      'choose "Trust folder" if you do: without it Gemini CLI loads no MCP server and no hook',
    ),
    sign(
      'login',
      `^ ?│ +(?:How would you like to authenticate|Enter Gemini API Key|[^\\n]*Waiting for (?:authentication|verification))[^\\n]*\\n${DIALOG_END}`,
      'log in; better, log in once by running "gemini" in a shell of your own, and start it again here',
    ),
    sign(
      'other',
      `^ ?│ [● ] 1\\. Keep trying\\b[^\\n]*│\\n${DIALOG_END}`,
      'choose what to do about the usage limit: keep trying, another model, or stop',
    ),
    sign(
      'other',
      `^ Chat Sessions \\(\\d+ total\\)[^\\n]*\\n${NO_BOX_BELOW}`,
      'press q to leave the list of sessions',
    ),
    // A selected option with no input box below it: a question from the agent, a menu, a settings page.
    sign('other', `^ ?│ +(?:●|❯) [^\\n]*\\n${DIALOG_END}`, ANSWER_OR_CLOSE),
  ],
  // Enter made a line break 15 of 15 times after 0 ms, 10 of 15 after 50 ms and 0 of 30 after 150 ms or more on an idle
  // machine; with a load of 8, occasionally after 200 ms.
  settleMs: 200,
  submitKey: 'Enter',
  breaksEarly: true,
  // C-c would do so only with words in the box: it deletes all of them, even while the agent is busy. In an empty box
  // it interrupts and, pressed again within 4 s, quits.
  clearKey: 'C-u',
  // With a blank after it, no menu opens. It runs the hooks SessionEnd and SessionStart, and has no box until then.
  newConversation: { text: '/clear ', done: CLEARED },
  // Once: a second one in an idle, empty box opens the list of checkpoints.
  interruptKeys: ['Escape'],
  conversation: { id: UUID, hasTranscript: true, usage: transcript },
  permission: {
    read: readPermission,
    commands: ['run_shell_command'],
    // The number, not Enter: the selection may have changed by now, for example to "for this session".
    allow: ['1'],
    // Ends the whole turn: the agent is not notified, and no hook runs.
    deny: ['Escape'],
  },
  // It restarts itself with a larger heap: `node --max-old-space-size=12052 …/gemini.js`.
  isProcess: runs(
    /(?:^|\/)gemini$|^npm exec @google\/gemini-cli\b|\/gemini-cli\/(?:[^/]+\/)*(?:gemini|index)\.js$/,
  ),
  start: {
    program: 'gemini',
    tried: '0.61.0',
    install: 'Install it with npm install -g @google/gemini-cli, then run gemini once and log in.',
    modelArgs: ['--model', '{model}'],
    permissionModes: optionFor('--approval-mode', ['default', 'auto_edit', 'plan', 'yolo']),
    // Lists of extensions or servers leave out ours.
    refusedArgs:
      /^(?:--extensions|-e|--allowed-mcp-server-names|--prompt|-p|--acp|--experimental-acp|--)(?:=|$)/m,
    refusedEnv: [],
    // It could (--prompt-interactive), but would work on it while its trust dialog is still open (0.61.0).
    takesPrompt: false,
    launch,
  },
};

/** The tool name that a dialog's title stands for. */
const TITLES: Readonly<Record<string, string>> = {
  Shell: 'run_shell_command',
  WriteFile: 'write_file',
  Edit: 'replace',
  WebFetch: 'web_fetch',
};

/** Titles of dialogs that show their request in a box. */
const BOXED = ['Shell', 'WriteFile', 'Edit'];

/** Shown in place of rows that did not fit; shorter in a narrow pane. */
const CUT = /^\.\.\. (?:(?:first|last) )?\d+ (?:lines? )?hidden \(/;

/**
 * Only a dialog with these two options can be answered by key: the agent's questions have numbers too. Measured at
 * 80x24, 80x18, 80x16, 80x14, 80x12, 80x10, 40x24 and 200x50: of a command or a change that does not fit, the last rows
 * are shown, below `... 9 hidden (Ctrl+O) ...`; a low pane shows none of it, or the dialog loses its upper rows.
 */
function readPermission(lines: readonly string[]): ShownPermission | undefined {
  const end = lines.findLastIndex((line) => /^╰─+╯$/.test(line));
  const begin = lines.slice(0, Math.max(end, 0)).findLastIndex((line) => /^╭─+╮$/.test(line));
  if (end < 0 || lines.slice(end + 1).some((line) => /^(?:─|▀){10}/.test(line))) return undefined;
  const rows = lines.slice(begin + 1, end).map((line) => line.replace(/^│ ?/, '').replace(/ *│$/, ''));
  const once = rows.findLastIndex((row) => /^[● ] 1\. Allow once$/.test(row));
  if (once < 0 || !rows.some((row) => /^[● ] \d\. No, suggest changes \(esc\)$/.test(row))) return undefined;
  const body = rows.slice(0, once).filter((row) => row !== 'Action Required');
  const title = body.findIndex((row) => /^\? +\S/.test(row));
  const [, shown = '', first = ''] = /^\? +(\S+)(.*)$/.exec(body[title] ?? '') ?? [];
  // A long title continues below, up to an empty row or a box.
  const wrapped = body.slice(title + 1);
  const more = wrapped.findIndex((row) => !/^ {3,}\S/.test(row));
  const words = [first.replace(/ +\d+ of \d+$/, ''), ...wrapped.slice(0, Math.max(0, more))];
  const about = words
    .map((row) => row.trim())
    .join('\n')
    .trim();
  const named = (label: string) =>
    body.map((row) => new RegExp(`^${label}: (.+)$`).exec(row)?.[1]).find((name) => name !== undefined);
  const [server, inner] = [named('MCP Server'), named('Tool')];
  const boxed = body.filter((row) => /^│ .*│?$/.test(row)).map((row) => row.replace(/^│ | *│$/g, '').trim());
  const tool = server && inner ? `mcp_${server}_${inner}` : (TITLES[shown] ?? shown);
  const asked = shown === 'Shell' && boxed.length > 0 ? boxed : [about, ...boxed];
  const partial =
    begin < 0 ||
    title < 0 ||
    about.endsWith('…') ||
    (BOXED.includes(shown) && boxed.length === 0) ||
    [...body.map((row) => row.trim()), ...boxed].some((row) => CUT.test(row));
  return { tool: tool || 'a tool', input: asked.join('\n').trim(), ...(partial && { partial }) };
}

/** Events passed to `mam hook`. Gemini waits for each, so only those that we need are listed. */
const HOOKS = ['SessionStart', 'BeforeAgent', 'Notification', 'AfterTool', 'AfterAgent', 'SessionEnd'];

/**
 * A system settings file would be the obvious way, but Gemini CLI accepts none unless root owns it and every folder
 * above it. So it gets its own home (`GEMINI_CLI_HOME`) that links everything in the user's `.gemini`, with an
 * extension next to the user's own that provides the server and the hooks.
 */
function launch({
  server,
  serverEnv,
  hook,
  folder,
  home,
  resume,
  conversation,
  more = [],
}: LaunchOptions): Launch {
  const [command, ...args] = server;
  const extension = { name: 'mam', version: '1.0.0', mcpServers: { mam: { command, args, env: serverEnv } } };
  const hooks = HOOKS.map((event) => [
    event,
    // The name is shown while it runs; a longer one pushes the busy indicator past the end of the line.
    [{ hooks: [{ type: 'command', name: 'mam', command: shellCommand([...hook, event]), timeout: 10_000 }] }],
  ]);
  return {
    args: [
      // Adds to the user's policy folder, which --policy would replace. But it replaces "adminPolicyPaths" of the
      // settings, so those are passed here too.
      ...adminPolicies(`${home}/.gemini/settings.json`).flatMap((path) => ['--admin-policy', path]),
      ...['--admin-policy', `${folder}/mam.toml`],
      // Without a session in this folder it says so and starts a new one.
      ...(conversation === undefined ? [] : ['--resume', conversation]),
      ...(resume ? ['--resume', 'latest'] : []),
      ...more,
    ],
    env: {
      // A server "mam" in the user's own settings wins over the extension's; it inherits the pane's environment.
      ...serverEnv,
      GEMINI_CLI_HOME: folder,
      // It is written by renaming, which would leave the user's own file unchanged.
      GEMINI_CLI_TRUSTED_FOLDERS_PATH: `${home}/.gemini/trustedFolders.json`,
    },
    files: {
      '.gemini/extensions/mam/gemini-extension.json': JSON.stringify(extension),
      '.gemini/extensions/mam/hooks/hooks.json': JSON.stringify({ hooks: Object.fromEntries(hooks) }),
      'mam.toml': POLICY,
    },
    // Its conversations are in its home, which is removed when it has ended.
    keeps: [`${home}/.gemini/tmp`],
    mirrors: {
      '.gemini': `${home}/.gemini`,
      '.gemini/extensions': `${home}/.gemini/extensions`,
      '.agents': `${home}/.agents`,
    },
  };
}

/**
 * The policies named in the user's settings.
 * @throws MamError `refused` if they can't be read: without them, what they deny would only need permission
 */
function adminPolicies(settings: string): string[] {
  const text = orElse(() => readFileSync(settings, 'utf8'), '');
  if (!text.includes('adminPolicyPaths')) return [];
  try {
    const paths = (JSON.parse(text) as { adminPolicyPaths?: unknown }).adminPolicyPaths;
    if (Array.isArray(paths) && paths.every((path) => typeof path === 'string')) return paths;
  } catch {
    // Treated like a value of the wrong type.
  }
  throw new MamError(
    'refused',
    `The adminPolicyPaths of ${settings} could not be read, and starting without them would loosen its rules.`,
    'Start gemini in a tmux session yourself; docs/clients.md explains how to connect it to the server.',
  );
}

/** Our own tools need no permission, even if a user's rule denies them; all others still ask for permission. */
const POLICY = `[[rule]]
mcpName = "mam"
toolName = ["publish_event", "job_status"]
decision = "allow"
priority = 100
`;
