import { resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import {
  choice,
  count,
  flag,
  group,
  list,
  maybe,
  number,
  object,
  or,
  type Sent,
  text,
  truth,
  type Values,
} from '../base/fields.ts';
import type { Origin } from '../job/claim.ts';
import { LIMITS } from '../job/limits.ts';
import type { JobRecord, ReceiptEntry, Supervisor } from '../job/record.ts';
import type { AskerSettings } from '../settings/program.ts';
import { AGENT_NAMES, DEFAULT_SESSIONS } from './agent-names.ts';
import { type AgentPlace, type KnownKind, launch, type TerminalSettings } from './agents.ts';
import { type Asker, agentSession, originOf, scriptSurroundings } from './common.ts';

const WEEK = { min: 1, max: LIMITS.timeoutSeconds };

const OWN_SESSIONS = Object.values(DEFAULT_SESSIONS)
  .map((name) => `tmux:${name}`)
  .join(', ');

const fields = {
  prompt: text('the task, complete in itself as the peer sees nothing of this conversation', {
    ...{ bytes: LIMITS.promptBytes, needsWords: true },
    typed: 'the task, complete in itself, at most 1 MiB',
  }),
  agent: or(
    text(
      `agent kind: ${AGENT_NAMES}, human (a person; nothing is typed), command (any program in raw mode), or one of your configuration`,
      { completes: 'agent' },
    ),
    'claude-code',
  ),
  agent_session: maybe(
    text('where the agent lives: tmux:NAME, tmux:NAME:WINDOW.PANE or tmux:%3', {
      completes: 'session',
    }),
    `its kind's own (${OWN_SESSIONS}); command has none`,
  ),
  trust_pane: flag('an agent reads what is typed there, even through ssh or a container'),
  workdir: maybe(
    text('folder to work in, absolute or from the current one', { completes: 'folder' }),
    'that one',
  ),
  timeout_seconds: or(number('seconds after which the job fails with reason timeout', WEEK), 3_600),
  idle_timeout_seconds: or(
    number('seconds of silence after which it needs you with reason stalled', WEEK),
    120,
  ),
  validate: maybe(
    text(
      'script that decides whether completed counts: exit code 0 passes. It gets JOB_ID, REGISTRY_DIR and MAM_JOB_DIR',
      { completes: 'file' },
    ),
  ),
  validate_rounds: or(
    count("how often a failed script's output goes back to the peer", { min: 0, max: 10 }),
    0,
  ),
  validate_timeout_seconds: or(number('seconds that the script may run', WEEK), 600),
  on_busy: or(
    choice(['queue', 'refuse'], 'when the agent is busy: queue waits for its turn, refuse fails at once'),
    'queue',
  ),
  start: flag('start the agent when its tmux session is missing'),
  request_key: maybe(
    text('your own key: a repeat in your session or pane gives the same job', {
      ...{ min: 1, max: 200 },
      typed:
        'the same key from the same tmux pane or client session (outside of both: from any shell) gives the same job of this registry again',
    }),
    "the client's call id",
  ),
  notify: or(
    choice(
      ['none', 'pane'],
      'pane: when the job ends or needs you and you do not wait, a line in your own tmux pane once you are idle',
      {
        typed:
          'with --no-wait, for an agent that calls this from its pane: pane writes one line there when the job ends or needs you; default: none',
      },
    ),
    'none',
  ),
  dry_run: flag('only show what this call would do, or refuse'),
};
const { dry_run: _, ...wished } = fields;

export const delegate = {
  fields,
  params: {
    ...{ ...wished, ...scriptSurroundings },
    prompt: maybe(text('the task itself'), 'see prompt_spool'),
    prompt_spool: maybe(text('its file in the spool folder of MAM_HOME, when longer than 16 KiB')),
    agent: text('the agent kind'),
    terminal: maybe(object<TerminalSettings>('what the configuration says about its terminal')),
    workdir: text('absolute path'),
    timeout_seconds: number(),
    idle_timeout_seconds: number(),
    on_busy: choice(['queue', 'refuse']),
    start: maybe(group(launch, 'how the agent is started when its session is missing; absent: it is not')),
    notify: maybe(
      object<Pick<AgentPlace, 'configured'>>(
        "tell the supervisor in its own pane, with the agent kinds of its configuration; absent: don't",
      ),
    ),
    tmux_socket: text("absolute path of the caller's tmux socket"),
    registry_dir: text('folder of the registry, absolute'),
    logs_dir: maybe(text()),
    supervisor: object<Supervisor>('who delegates'),
    origin: maybe(object<Origin>('where the request comes from')),
    limits: maybe(
      object<{ max_depth: number; max_open_jobs: number }>("the caller's limits; absent: the usual ones"),
    ),
    mam_command: text('how the peer can call the command line: mam or a full path'),
  },
  answer: {
    job_id: text(),
    status: text(),
    reason: maybe(text()),
    blocked_by: maybe(text('what keeps it from its pane')),
    blocked_step: maybe(text('command that helps')),
    needs_you: maybe(truth('true: it waits for someone')),
    detail: maybe(text('what was seen there, to be read as data')),
    delivery_stage: text(
      'how far the prompt got: queued, pasting, visible, submitted, acknowledged or started',
    ),
    delivery: list(group({ stage: text(), at: text(), evidence: maybe(text()) }), 'the delivery receipt'),
    position: count('jobs before this one at the same pane'),
    behind: list(text(), 'ids of these jobs, the one that has the pane first'),
    peer_server: maybe(
      text("connected when the peer's own server of this kind is known to run, else unknown"),
    ),
    agent_session: maybe({ ...agentSession, about: 'where the peer lives' }),
    target: maybe(text('with dry_run: the session that was meant')),
    attach_command: maybe(text('what a person types to look at the agent')),
    registry_dir: text(),
    log_dir: text(),
    repeated: truth('true when the same request_key gave an earlier job'),
    dry_run: truth(),
    would_refuse: maybe(text('with dry_run: why the call itself would be refused now')),
    typed_text: maybe(text('with dry_run: what would be typed into the pane; absent for a person')),
    warnings: list(text()),
  },
};
export type DelegateParams = Sent<typeof delegate.params>;
/** What the caller wishes. */
type Wish = Values<typeof fields>;

export interface DelegateResult {
  record: JobRecord;
  /** True when the same `request_key` gave an earlier job. */
  repeated: boolean;
  delivery: ReceiptEntry[];
  /** Jobs before this one in the pane's queue. */
  position: number;
  /** Job ids that hold the pane before this one, the current holder first. */
  behind: string[];
  warnings: string[];
}

/** What a delegation would give: its record is in no registry. */
export interface PreviewResult extends DelegateResult {
  /** What would be typed, or given to the agent that is started; absent where nothing would be. */
  typed_text?: string | undefined;
  /** Why the call itself would be refused now, where its text is known all the same. */
  would_refuse?: string | undefined;
}

/**
 * A request of the hub for a new job.
 * @throws MamError `bad_input` when no session is given and the kind has none of its own
 */
export function delegateParams(
  asked: Wish,
  kind: KnownKind,
  asker: Asker,
  settings: AskerSettings,
): DelegateParams {
  const {
    dry_run: _,
    start,
    notify,
    agent_session = kind.defaultSession,
    workdir = '.',
    validate,
    ...wish
  } = asked;
  const { clientName: client, session, pane, socket, place, channel, cwd } = asker;
  if (agent_session === undefined && !kind.isHuman) {
    throw new MamError(
      'bad_input',
      `Agent kind ${kind.name} has no session of its own.`,
      'Give agent_session: tmux:NAME, or tmux:%3 for a pane.',
    );
  }
  return {
    ...wish,
    ...{ agent: kind.name, terminal: kind.terminal, agent_session },
    workdir: resolve(cwd, workdir),
    validate: validate && resolve(cwd, validate),
    supervisor: { client, session, pane, socket, place, ...(channel && { channel }) },
    origin: originOf(asker),
    start: start ? settings.launch : undefined,
    notify: notify === 'pane' ? { configured: settings.agents } : undefined,
    tmux_socket: settings.tmuxSocket,
    registry_dir: settings.registryDir,
    logs_dir: settings.logsDir,
    limits: { max_depth: settings.maxDepth, max_open_jobs: settings.maxOpenJobs },
    path: settings.path,
    virtual_env: settings.virtualEnv,
    mam_command: settings.mamCommand,
  };
}
