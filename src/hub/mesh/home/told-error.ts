import { explain, MamError } from '../../../base/errors.ts';
import { isPlain } from '../../delegation/plain-error.ts';
import type { AskAnswer, AskCommand } from '../wire/messages.ts';
import type { Guest } from './policy.ts';

type Told = NonNullable<AskAnswer['error']>;

/** Asks about a job of the guest's own: errors name only that job, and what its record says anyway. */
const OF_OWN_JOB: readonly AskCommand[] = [
  ...(['events', 'text', 'answer', 'cancel', 'verify', 'screen', 'diff', 'merge', 'discard'] as const),
];

const SEE_LOG = '`mam hub logs` on that host shows the reason.';

/** What a guest is told of an error that may name other jobs, panes or paths of this machine, by its code. */
const IN_GENERAL: Readonly<Record<MamError['code'], [message: string, hint: string]>> = {
  bad_input: ['That cannot be done there as requested.', SEE_LOG],
  not_found: [
    'There is no such agent session there.',
    'list_agents with host (`mam agents --host NAME`) shows those that may be used. Where that is allowed, start: true (`--start`) starts a missing one.',
  ],
  refused: [
    'Nothing is typed into that session: no agent is in the foreground, it has several panes, or it cannot be checked.',
    SEE_LOG,
  ],
  conflict: [
    'The agent is busy, or something else is using its session or its folder.',
    'Wait, delegate with on_busy "queue", or name another session.',
  ],
  unreachable: ['The hub there cannot reach what it needs for that.', SEE_LOG],
  unavailable: ['The agent there cannot be reached or started now.', SEE_LOG],
  io: ['That cannot be written to the disk there now.', SEE_LOG],
  internal: ['The hub there has failed.', SEE_LOG],
};

/** Absolute paths, tmux panes and the ids of jobs in our own sentences. */
const NAMED = [
  [/(?<![\w/.~-])~?\/[^\s,;:'"`)]+/g, '(a path there)'],
  [/%\d+/g, '(a pane)'],
  [/\b[a-hjkmnp-z][2-9][a-hjkmnp-z2-9]{6}-[a-z0-9-]+/g, '(a job)'],
] as const;

/**
 * An error as its asker gets it. A guest learns nothing of other jobs, panes and paths; whoever has a shell here is told
 * everything.
 */
export function toldError(error: unknown, command: AskCommand, guest: Guest | undefined): Told {
  const known =
    error instanceof MamError ? error : new MamError('internal', `The hub failed: ${explain(error)}.`);
  const { code, message, hint } = known;
  const hasShell = guest !== undefined && guest.may === undefined;
  if (hasShell || isPlain(error) || (OF_OWN_JOB.includes(command) && code !== 'internal'))
    return { code, message, hint };
  // What is wrong with the ask itself must be told, or nobody could correct it.
  if (code === 'bad_input') return { code, message: veiled(message), hint: veiled(hint) };
  const [general, step] = IN_GENERAL[code];
  return { code, message: general, hint: step };
}

function veiled(text: string): string {
  return NAMED.reduce((said, [pattern, instead]) => said.replace(pattern, instead), text);
}
