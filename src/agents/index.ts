import { MamError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { cleanLine } from '../base/text.ts';
import type { JobRecord } from '../job/record.ts';
import type { KnownKind, TerminalSettings } from '../operations/agents.ts';
import type { AgentConfig } from '../settings/agent-config.ts';
import type { Settings } from '../settings/config.ts';
import type { Look } from '../tmux/deliver.ts';
import type { ScreenPatterns } from '../tmux/screen.ts';
import { boundedPattern } from './bounded-pattern.ts';
import { claudeCode } from './claude-code.ts';
import { codex } from './codex.ts';
import { command } from './command.ts';
import { gemini } from './gemini.ts';
import { human } from './human.ts';
import type { AgentKind } from './kind.ts';
import { opencode } from './opencode.ts';

/** Every kind that is built in. A new one is a file of its own and a line here. */
export const KINDS: readonly AgentKind[] = [claudeCode, codex, gemini, opencode, human, command];

/** A row of an input box is taken to be no narrower, in characters: some agents delete by rows, not by lines. */
const ROW_CHARS = 30;
/** As much of a kind's name as a sentence takes. */
const NAME_CHARS = 80;

/** What is kept of a pane's settings for a delivery. */
type Typing = TerminalSettings & { trusted?: boolean | undefined };

/** A kind that is built in. */
export function builtIn(name: string): AgentKind | undefined {
  return KINDS.find((kind) => kind.name === name);
}

/** The names of all kinds, those that are built in first. */
export function kindNames(configured: Record<string, AgentConfig>): string[] {
  return [...new Set([...KINDS.map(({ name }) => name), ...Object.keys(configured)])];
}

/**
 * A kind by its name, as built in and as configured.
 * @param settings with the `agents` of the configuration, and those that do not count
 * @throws MamError `bad_input` with the kinds there are
 */
export function resolveKind(
  name: string,
  { agents: configured, ignored }: Pick<Settings, 'agents' | 'ignored'>,
): KnownKind {
  const kind = builtIn(name);
  // A word such as "constructor" is in every object.
  const own = Object.hasOwn(configured, name) ? configured[name] : undefined;
  if (kind === undefined && own === undefined) {
    if (ignored?.kinds.includes(name) === true)
      throw new MamError(
        'bad_input',
        `The agent kind ${cleanLine(name, NAME_CHARS)} stands in this project's .mam/config.json, which is not trusted.`,
        'A person looks at it with `mam trust --show`, and accepts it with `mam trust`.',
      );
    const all = kindNames(configured);
    const plain = (word: string): string =>
      word
        .trim()
        .toLowerCase()
        .replace(/[\s_]+/g, '-');
    // However it is written: `Codex`, `claude code`.
    const [same, ...others] = all.filter((one) => plain(one) === plain(name));
    if (same !== undefined && others.length === 0) return resolveKind(same, { agents: configured, ignored });
    const names = all.join(', ');
    const meant = nearest(name, all);
    throw new MamError(
      'bad_input',
      'There is no such agent kind.',
      `${meant === undefined ? '' : `Did you mean ${meant}? `}Kinds here: ${names}. For any other program that runs in a tmux session use agent "command" with agent_session "tmux:NAME"; more kinds can be made under "agents" in MAM_HOME/config.json.`,
    );
  }
  return {
    name,
    defaultSession: own?.session ?? (kind?.defaultSession && `tmux:${kind.defaultSession}`),
    isHuman: kind === human,
    terminal: own ?? {},
  };
}

/** How to look at a job's pane and what proves that its order is there. */
export function lookFor(record: Pick<JobRecord, 'agent' | 'job_id'> & { typing?: Typing | undefined }): Look {
  const kind = builtIn(record.agent) ?? command;
  return {
    patterns: patternsOf(kind, record.typing),
    settleMs: kind.settleMs,
    breaksEarly: kind.breaksEarly,
    needle: record.job_id,
    submitKey: kind.submitKey,
    isAgent: kind.isProcess,
    isTrusted: isTrusted(record.typing),
  };
}

/**
 * The keys that take a text of ours out of an input box in which it stands alone.
 * @returns nothing where none are known for the kind
 */
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

/** True where it can be seen, or the user has said, that an agent reads what is typed: only there a task's own words are. */
export function takesTask(agent: string, typing: Typing | undefined): boolean {
  return typing?.trusted === true || screenOf(agent, typing).ready !== undefined;
}

/** True where the user has said that an agent reads what is typed into the pane, or by which screen that is seen. */
export function isTrusted(typing: Typing | undefined): boolean {
  return typing?.trusted === true || typing?.ready !== undefined;
}

/** The patterns of an agent's screen by the name of its kind; a configured kind has only its own. */
export function screenOf(agent: string, own: TerminalSettings | undefined): ScreenPatterns {
  return patternsOf(builtIn(agent) ?? command, own);
}

/** A kind's patterns, with those of a configuration in their place. */
function patternsOf(kind: AgentKind, own: TerminalSettings = {}): ScreenPatterns {
  const dialog = kind.dialogs.map((sign) => sign.pattern);
  const patterns: ScreenPatterns = { ...kind.screen, ...(dialog.length > 0 && { dialog }) };
  for (const name of ['ready', 'busy', 'dialog', 'draft'] as const) {
    const text = own[name];
    if (text !== undefined) patterns[name] = boundedPattern(text);
  }
  return patterns;
}
