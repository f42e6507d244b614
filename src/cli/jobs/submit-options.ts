import { DEFAULTS } from '../../operations/delegation.ts';
import type { Options, Values } from '../core/command.ts';

/** The options of `mam submit`. */
export const options = {
  prompt: { type: 'text', value: 'TEXT', about: 'the task, complete in itself, 1 MiB at most' },
  'prompt-file': {
    type: 'text',
    value: 'FILE',
    about: 'the file that the task is in; - reads standard input',
    completes: 'file',
  },
  agent: {
    type: 'text',
    value: 'KIND',
    about: `claude-code, codex, gemini, opencode, human, command, or one of your configuration; ${DEFAULTS.agent} when left out`,
    completes: 'agent',
  },
  'agent-session': {
    type: 'text',
    value: 'tmux:NAME',
    about:
      "where the agent lives: tmux:NAME, tmux:NAME:WINDOW.PANE or tmux:%3; the kind's own session when left out",
    completes: 'session',
  },
  'trust-pane': {
    type: 'flag',
    about: 'an agent reads what is typed there, although its program carries another terminal',
  },
  workdir: {
    type: 'text',
    value: 'DIR',
    about: 'the folder that the peer works in; this one when left out',
    completes: 'folder',
  },
  timeout: {
    type: 'seconds',
    value: 'SECONDS',
    about: `from handing over until the job has failed; ${DEFAULTS.timeoutSeconds} when left out`,
  },
  'idle-timeout': {
    type: 'seconds',
    value: 'SECONDS',
    about: `without a sign of life until the job asks for attention; ${DEFAULTS.idleTimeoutSeconds} when left out`,
  },
  validate: {
    type: 'text',
    value: 'SCRIPT',
    about: 'a script that decides whether completed counts: it must exit with 0',
    completes: 'file',
  },
  'validate-rounds': {
    type: 'count',
    value: 'N',
    about: 'how many times the output of a script that fails goes back to the peer; 0 when left out',
  },
  'validate-timeout': {
    type: 'seconds',
    value: 'SECONDS',
    about: `how long the script may run; ${DEFAULTS.validateTimeoutSeconds} when left out`,
  },
  'request-key': {
    type: 'text',
    value: 'KEY',
    about:
      'the same key from the same tmux pane or client session (outside of both: from any shell) gives the same job of this registry again',
  },
  'on-busy': {
    type: 'text',
    value: 'WHAT',
    about: 'queue (the default): wait for the turn; refuse: fail at once when the agent is busy',
    oneOf: ['queue', 'refuse'],
  },
  notify: {
    type: 'text',
    value: 'WHAT',
    about:
      'with --no-wait, for an agent that calls this from its pane: pane writes one line there when the job ends or needs somebody; none (the default)',
    oneOf: ['none', 'pane'],
  },
  start: { type: 'flag', about: 'start the agent when its session is missing' },
  'no-wait': { type: 'flag', about: 'come back when the job is handed over' },
  'dry-run': {
    type: 'flag',
    about: 'show what would be typed, and where, and why the real call would be refused; change nothing',
  },
} as const satisfies Options;

/** What stands on one command line of it. */
export type Chosen = Values<typeof options>;
