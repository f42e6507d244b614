import type { AgentConfig } from '../config-file.ts';
import { MamError } from '../errors.ts';
import type { JobRecord } from '../job/record.ts';
import type { TerminalSettings } from '../job/request.ts';
import type { Look } from '../tmux/deliver.ts';
import { command } from './command.ts';
import type { AgentKind } from './kind.ts';

/** Every kind that is built in. */
const KINDS: readonly AgentKind[] = [command];

/** Kinds of the contract that this version does not drive yet. */
const LATER = ['claude-code', 'codex', 'gemini', 'opencode', 'human'];

/** What a delegation needs to know of a kind: its default session and the screen patterns of the configuration. */
export interface KnownKind {
  name: string;
  defaultSession: string | undefined;
  terminal: TerminalSettings;
}

/**
 * A kind by its name, as built in and as configured.
 * @param configured the `agents` of the configuration
 * @throws MamError `bad_input` with the kinds there are
 */
export function resolveKind(name: string, configured: Record<string, AgentConfig>): KnownKind {
  const kind = KINDS.find((candidate) => candidate.name === name);
  const own = configured[name];
  if (kind === undefined && own === undefined) {
    const names = [...new Set([...KINDS.map((known) => known.name), ...Object.keys(configured)])].join(', ');
    throw new MamError(
      'bad_input',
      LATER.includes(name)
        ? `Agent kind ${name} is not driven by this version yet.`
        : 'There is no such agent kind.',
      `Use agent "command" with agent_session "tmux:NAME" for a session that already runs; kinds here: ${names}. More can be made under "agents" in .mam/config.json.`,
    );
  }
  return {
    name,
    defaultSession: own?.session ?? kind?.defaultSession,
    terminal: own ?? {},
  };
}

/** How to look at a job's pane and what proves that its order is there. */
export function lookFor(
  record: Pick<JobRecord, 'agent' | 'job_id'> & { typing?: TerminalSettings | undefined },
): Look {
  const kind = KINDS.find((candidate) => candidate.name === record.agent) ?? command;
  const { ready, busy, dialog } = record.typing ?? {};
  return {
    patterns: {
      ...kind.screen,
      ...(ready !== undefined && { ready: new RegExp(ready, 'mu') }),
      ...(busy !== undefined && { busy: new RegExp(busy, 'mu') }),
      ...(dialog !== undefined && { dialog: new RegExp(dialog, 'mu') }),
    },
    settleMs: kind.settleMs,
    needle: record.job_id,
    submitKey: kind.submitKey,
  };
}
