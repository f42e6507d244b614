import { MamError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { orElse } from '../base/or-else.ts';
import { cleanLine } from '../base/text.ts';
import type { JobRecord } from '../job/record.ts';
import type { DEFAULT_SESSIONS } from '../operations/agent-names.ts';
import type { KnownKind, TerminalSettings } from '../operations/agents.ts';
import { type AgentConfig, withoutStart } from '../settings/agent-config.ts';
import type { Settings } from '../settings/config.ts';
import { preambleOf } from '../settings/preamble.ts';
import { startExtras } from '../settings/start-settings.ts';
import type { Look } from '../tmux/deliver.ts';
import type { OwnCommand } from '../tmux/own-command.ts';
import type { ScreenPatterns } from '../tmux/screen.ts';
import { boundedPattern } from './bounded-pattern.ts';
import { claudeCode } from './claude-code.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import type { AgentKind } from './kind.ts';
import { opencode } from './opencode.ts';
import { type Layered, layered } from './profiles.ts';

/** Nothing is known about its screen. */
const PLAIN = { screen: {}, dialogs: [], settleMs: 0, submitKey: 'Enter' };
/** A person: nothing is typed, and silence means nothing. */
export const human: AgentKind = { name: 'human', title: 'a person', ...PLAIN };
/** Any program that reads from a terminal in raw mode with bracketed paste. Only configured patterns guard its screen. */
const command: AgentKind = { name: 'command', title: 'any raw-mode terminal program', ...PLAIN };

const AGENTS: Readonly<Record<keyof typeof DEFAULT_SESSIONS, AgentKind>> = {
  'claude-code': claudeCode,
  codex,
  gemini,
  opencode,
};
/** All built-in kinds. To add an agent, add a file, a line above and one in `DEFAULT_SESSIONS`. */
export const KINDS: readonly AgentKind[] = [...Object.values(AGENTS), human, command];

/** The minimum width of an input box, in characters: some agents delete by rows, not by lines. */
const ROW_CHARS = 30;
const NAME_CHARS = 80;

type Typing = TerminalSettings & { trusted?: boolean | undefined };

export function builtIn(name: string): AgentKind | undefined {
  return KINDS.find((kind) => kind.name === name);
}

/** The names of all kinds, built-in ones first. */
export function kindNames(configured: Readonly<Record<string, unknown>>): string[] {
  return [...new Set([...KINDS.map(({ name }) => name), ...Object.keys(configured)])];
}

/** The names of the kinds that mam can start. */
export function startableNames(configured: Settings['agents']): string[] {
  return kindNames(configured).filter((name) => {
    const { base, own } = orElse(() => layersOf(name, configured), { base: '', own: undefined });
    return (own?.command ?? builtIn(base)?.start) !== undefined;
  });
}

/** What the configuration says about a kind. @throws MamError `bad_input` for a profile that can't be */
export function layersOf(name: string, configured: Readonly<Record<string, AgentConfig>>): Layered {
  return layered(name, configured, KINDS);
}

/**
 * Finds a kind by its name among those built in and configured.
 * @param settings with the configured `agents`, and those that are ignored
 * @param use what for: the error names only kinds that fit
 * @throws MamError `bad_input` with the kinds there are, or for a profile that can't be
 */
export function resolveKind(
  name: string,
  { agents: configured, ignored }: Pick<Settings, 'agents' | 'ignored'>,
  use: 'start' | 'delegate' = 'delegate',
): KnownKind {
  const kind = builtIn(name);
  // Every object has a property such as "constructor".
  const own = Object.hasOwn(configured, name) ? configured[name] : undefined;
  if (kind === undefined && own === undefined) {
    if (ignored?.kinds.includes(name) === true)
      throw new MamError(
        'bad_input',
        `The agent kind ${cleanLine(name, NAME_CHARS)} is set in this project's .mam/config.json, which is not trusted.`,
        '`mam trust --show` shows it, and `mam trust` accepts it: that is for a person to decide.',
      );
    const all = kindNames(configured);
    // Accepts other spellings: `Codex`, `claude code`.
    const plain = (word: string) =>
      word
        .trim()
        .toLowerCase()
        .replaceAll(/[\s_]+/g, '-');
    const [same, ...others] = all.filter((one) => plain(one) === plain(name));
    if (same !== undefined && others.length === 0) return resolveKind(same, { agents: configured, ignored });
    const fitting = use === 'start' ? startableNames(configured) : all;
    const meant = nearest(name, fitting);
    const list =
      use === 'start'
        ? `Kinds that can be started: ${fitting.join(', ')}. Define more`
        : `Kinds here: ${fitting.join(', ')}. For any other program that runs in a tmux session use agent "command" with agent_session "tmux:NAME"; define more`;
    throw new MamError(
      'bad_input',
      'There is no such agent kind.',
      `${meant === undefined ? '' : `Did you mean ${meant}? `}${list} kinds under "agents" in MAM_HOME/config.json.`,
    );
  }
  const { base, isProfile, layers, own: said, byName } = layersOf(name, configured);
  const { session, about: _, ...settings } = said;
  const mode = settings.permission_mode;
  const usual = byName ?? (kind?.defaultSession && `tmux:${kind.defaultSession}`);
  return {
    name: base,
    ...(isProfile && { profile: name }),
    defaultSession: session ?? usual,
    ownSession: session === 'new' ? usual : (session ?? usual),
    isHuman: kind === human,
    terminal: withoutStart(settings),
    workdir: settings.workdir,
    preamble: () => preambleOf(name, settings),
    // Before the arguments that the user adds: where the program takes the last one, theirs wins.
    startWith: (asked) =>
      startExtras(mode === undefined ? layers : [{ args: modeArgs(name, base, mode) }, ...layers], asked),
  };
}

/** The arguments for a permission mode. @throws MamError `bad_input` for one that its kind does not have */
function modeArgs(name: string, base: string, mode: string): string[] {
  const modes = builtIn(base)?.start?.permissionModes;
  // Every object has a property such as "constructor".
  const args = modes !== undefined && Object.hasOwn(modes, mode) ? modes[mode] : undefined;
  if (args !== undefined) return [...args];
  const shown = cleanLine(mode, NAME_CHARS);
  throw new MamError(
    'bad_input',
    modes === undefined
      ? `mam knows no permission modes of agent kind ${base}.`
      : `Agent kind ${base} has no permission mode ${shown}.`,
    modes === undefined
      ? `Give its own arguments in agents.${name}.args instead of permission_mode.`
      : `Set agents.${name}.permission_mode in config.json to one of ${Object.keys(modes).join(', ')}.`,
  );
}

/** How to read a job's pane, and what proves that its order is there. */
export function lookFor(record: Pick<JobRecord, 'agent' | 'job_id'> & { typing?: Typing | undefined }): Look {
  const kind = builtIn(record.agent) ?? command;
  return {
    patterns: screenOf(record.agent, record.typing),
    settleMs: kind.settleMs,
    breaksEarly: kind.breaksEarly,
    needle: record.job_id,
    submitKey: kind.submitKey,
    isAgent: kind.isProcess,
    isTrusted: isTrusted(record.typing),
  };
}

/** How a new conversation is begun in an agent, if that is known: by the configured command, or by its kind's own. */
export function newConversationOf(
  agent: string,
  { fresh }: Pick<TerminalSettings, 'fresh'> = {},
): OwnCommand | undefined {
  const own = builtIn(agent)?.newConversation;
  return fresh === undefined || fresh === own?.text ? own : { text: fresh };
}

/** The keys that clear our text from an input box that contains nothing else, if they are known. */
export function clearKeysOf(
  agent: string,
  typing: Pick<TerminalSettings, 'clear'> | undefined,
  text: string,
): string[] | undefined {
  if (typing?.clear !== undefined) return [typing.clear];
  const key = builtIn(agent)?.clearKey;
  if (key === undefined) return undefined;
  const rows = text.split('\n').length + Math.ceil(text.length / ROW_CHARS);
  return Array.from({ length: rows }, () => [key, 'BSpace']).flat();
}

/** True if the screen or the user says that an agent reads what is typed: only then is the task itself typed. */
export function takesTask(agent: string, typing: Typing | undefined): boolean {
  return typing?.trusted === true || screenOf(agent, typing).ready !== undefined;
}

/** True if the user has said that an agent reads what is typed into the pane, or how its screen shows that. */
export function isTrusted(typing: Typing | undefined): boolean {
  return typing?.trusted === true || typing?.ready !== undefined;
}

/** The patterns of an agent's screen: its kind's, replaced by the configured ones. */
export function screenOf(agent: string, own: TerminalSettings = {}): ScreenPatterns {
  const kind = builtIn(agent) ?? command;
  const dialog = kind.dialogs.map((sign) => sign.pattern);
  const patterns: ScreenPatterns = { ...kind.screen, ...(dialog.length > 0 && { dialog }) };
  for (const name of ['ready', 'busy', 'dialog', 'draft'] as const) {
    const text = own[name];
    if (text !== undefined) patterns[name] = boundedPattern(text);
  }
  return patterns;
}
