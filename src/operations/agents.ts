import { resolve } from 'node:path';
import { explain, MamError } from '../base/errors.ts';
import {
  flag,
  group,
  list,
  maybe,
  object,
  type Sent,
  type TypeOf,
  text,
  truth,
  type Values,
} from '../base/fields.ts';
import { clean, cleanAll, cleanLine } from '../base/text.ts';
import { agentWords } from '../job/agent-words.ts';
import type { AgentSession } from '../job/record.ts';
import { type AgentConfig, withoutStarts } from '../settings/agent-config.ts';
import type { Settings } from '../settings/config.ts';
import { preambleOf } from '../settings/preamble.ts';
import type { AskerSettings } from '../settings/program.ts';
import type { StartExtras, StartWishes } from '../settings/start-settings.ts';
import { attachAt, type Standpoint } from '../view/attach.ts';
import { AGENT_NAMES } from './agent-names.ts';
import { agentSession, checkThere, host, supervisor } from './common.ts';

/** Length limit of a row's evidence, in characters. */
const EVIDENCE_CHARS = 200;

/** What a configuration says about an agent kind's terminal. */
export const terminal = group(
  {
    /** The program that starts it, with its arguments. */
    command: maybe(list(text())),
    /** Regular expressions that are matched against the screen. */
    ...{ ready: maybe(text()), busy: maybe(text()), dialog: maybe(text()), draft: maybe(text()) },
    /** tmux names of the keys that clear the input box and interrupt the agent. */
    ...{ clear: maybe(text()), interrupt: maybe(text()) },
    /** What is typed to begin a new conversation. */
    fresh: maybe(text()),
  },
  'what the configuration says about its terminal',
);
export type TerminalSettings = TypeOf<typeof terminal>;

/** What is known about an agent kind, built in or configured. */
export interface KnownKind {
  /** Of a profile: that of the kind that it extends, which decides how its screen is read. */
  name: string;
  /** The profile that was asked for. */
  profile?: string | undefined;
  defaultSession: string | undefined;
  /** The same, where a start names none: by its name if the default is a new one for each job. */
  ownSession: string | undefined;
  /** Nothing is typed for it, and it needs no session. */
  isHuman: boolean;
  terminal: TerminalSettings;
  /** The working folder if the caller names none, absolute. */
  workdir: string | undefined;
  /** What each of its tasks begins with. @throws MamError `bad_input` as `preambleOf` */
  preamble(): string | undefined;
  /** What the configuration and the caller add to its start. @throws MamError `bad_input` as `startExtras` */
  startWith(asked?: StartWishes): StartExtras;
}

/** What the configuration says about a kind, apart from its start. */
type ConfiguredKind = TerminalSettings &
  Pick<AgentConfig, 'session' | 'extends' | 'about'> & {
    /** What is wrong with the preamble that it names itself; empty if nothing is. */
    unusable?: string;
  };

/** Where agents are started and looked for. */
export const place = {
  tmux_socket: text("absolute path of the caller's tmux socket"),
  path: maybe(text("the caller's PATH: where programs are looked for")),
  supervisor: maybe(supervisor),
  configured: maybe(object<Record<string, ConfiguredKind>>("agent kinds in the caller's configuration")),
};
export type AgentPlace = Sent<typeof place>;

/** Where the caller's agents are. Nothing that is only for their start is sent: it may be secret. */
export function agentPlace({
  tmuxSocket,
  path,
  agents: kinds,
}: Pick<Settings, 'tmuxSocket' | 'path' | 'agents'>): AgentPlace {
  const configured: Record<string, ConfiguredKind> = withoutStarts(kinds);
  for (const [name, own] of Object.entries(kinds))
    if (own.preamble !== undefined)
      configured[name] = { ...configured[name], unusable: preambleProblem(name, own) };
  return { tmux_socket: tmuxSocket, path, configured };
}

function preambleProblem(name: string, own: AgentConfig): string {
  try {
    preambleOf(name, own);
    return '';
  } catch (error) {
    return explain(error);
  }
}

const row = {
  agent: text('the agent to delegate to: a kind, or a profile of one'),
  kind: maybe(text('of a profile: its agent kind')),
  about: maybe(text('what it is for, as its user says')),
  title: text(),
  state: text(
    'idle, busy, dialog, draft, copy_mode, not_ready, unreachable or dead; for a kind without a session: not_running, not_installed, or unusable (its configuration is wrong)',
  ),
  evidence: maybe(text('what on the screen shows this state, to be read as data; or what is wrong')),
  target: maybe(text('the agent_session to delegate to')),
  agent_session: maybe(agentSession),
  jobs: list(text(), "open jobs in this pane's queue, the current holder first"),
  peer_server: maybe(text('connected when its own mam server is running, so that it can report by tool')),
  started_by_us: maybe(truth('true when mam started it and can stop it')),
  made_for: maybe(text('the job that has ended for which alone mam started it')),
  stays: maybe(text('why mam has not ended it yet')),
  attach_command: maybe(text('what a person types to look at it')),
  program: maybe(text('for a kind without a session: its program; absent when not installed')),
};
export const agents = { fields: { host }, params: place, answer: { agents: list(group(row)) } };

/** The answer of the hub. */
export interface AgentsAnswer {
  agents: AgentRow[];
}

/** A live agent, or an agent kind without a session, which has no state unless it is unusable. */
export type AgentRow = Omit<Values<typeof row>, 'state' | 'target' | 'agent_session' | 'attach_command'> & {
  session?: AgentSession | undefined;
  state?: string | undefined;
};

/**
 * The answer with live agents and kinds without a session, with sanitized texts.
 * @param say the next step: with a live agent, with a kind that can be started, or with neither
 * @param at the other host that they are on
 */
export function agentsView(
  rows: readonly AgentRow[],
  from: Standpoint,
  say: { delegate: string; start: (kind: string) => string; none: string },
  at?: string,
) {
  const live = rows.filter(({ session }) => session !== undefined);
  const idle = live.filter(({ state }) => state === 'idle').length;
  const installed = rows.find((row) => stateOf(row) === 'not_running')?.agent;
  const startOne = installed === undefined ? say.none : say.start(installed);
  return {
    summary: summarize(live.length, idle, at),
    agents: cleanAll(rows.map((row) => rowView(row, rows, from, at))),
    next: live.length > 0 ? say.delegate : startOne,
  };
}

function summarize(live: number, idle: number, at: string | undefined): string {
  const on = at === undefined ? '' : ` on ${at}`;
  if (live === 0) return `No agent is running on ${at ?? 'this tmux server'}.`;
  if (live === 1) return `1 agent is running${on}; it is ${idle === 1 ? 'idle' : 'not idle'}.`;
  return `${live} agents are running${on}, ${idle} of them idle.`;
}

function rowView(
  { session, evidence, ...row }: AgentRow,
  rows: readonly AgentRow[],
  from: Standpoint,
  at: string | undefined,
) {
  // Another host may let us use only the sessions that it names.
  const isAlone = rows.filter((one) => one.session?.session === session?.session).length === 1;
  return {
    ...row,
    state: stateOf({ session, ...row }),
    ...(evidence !== undefined && { evidence: cleanLine(evidence, EVIDENCE_CHARS) }),
    ...(session !== undefined && {
      agent_session: session,
      target: addressAt(at, at !== undefined && isAlone ? session.session : session.pane),
      attach_command: attachAt(at, session, from),
    }),
  };
}

/** How an agent is named to whoever delegates; `kind` only for a profile. */
type Named = Pick<AgentRow, 'agent' | 'kind'>;

/** The agent of a row, for people: `codex`, or `reviewer (claude-code)`. */
export function rowWords({ agent, kind }: Named): string {
  return agentWords({ agent: kind ?? agent, ...(kind !== undefined && { profile: agent }) });
}

/** What to name a session by. @param at the other host that it is on */
export function addressAt(at: string | undefined, name: string): string {
  return at === undefined ? `tmux:${name}` : `tmux:${name}@${at}`;
}

/** The state of a live agent, or whether a kind without a session can be started. */
export function stateOf({ session, state, program }: AgentRow): string {
  if (session !== undefined) return state ?? 'unknown';
  if (state !== undefined) return state;
  return program === undefined ? 'not_installed' : 'not_running';
}

/** What a new agent needs: how to call mam, and its environment. */
export const launch = {
  mam: list(text(), 'how the agent calls mam: program and arguments'),
  server_env: object<Record<string, string>>("the caller's settings that its server needs too"),
  env: maybe(object<Record<string, string>>("variables of the caller's environment that the session gets")),
  more_env: maybe(object<Record<string, string>>('more variables of its session, which may be secret')),
  more_args: maybe(list(text(), 'what follows our own arguments on its command line')),
  model: maybe(text()),
  model_args: maybe(
    list(text(), 'how a program of a configured kind takes the model, which replaces {model}'),
  ),
};

const startAsked = {
  agent: text(`agent kind: ${AGENT_NAMES}, or one from your configuration`, { completes: 'agent' }),
  name: maybe(text('name of the tmux session: at most 60 letters, digits, - and _'), 'that of its kind'),
  workdir: maybe(text('working folder', { completes: 'folder' }), 'the current one'),
  model: maybe(text("the agent's name of the model", { short: 'm' }), 'as configured'),
  resume: flag('resume its last conversation there'),
  resume_job: maybe(text('or that of this job, in its folder', { completes: 'job' })),
};
const startFields = { ...startAsked, host };

export const start = {
  fields: startFields,
  params: {
    ...{ ...place, ...startAsked, ...launch },
    workdir: text('absolute path'),
    terminal: maybe(terminal),
    profile: maybe(text('the profile that it is started as')),
  },
  answer: {
    agent: text(),
    kind: row.kind,
    agent_session: agentSession,
    target: text('the agent_session to delegate to'),
    attach_command: text('what a person types to look at it'),
    ready: truth(),
    waits_for: maybe(text('what keeps it from being ready, and what to do about it')),
    peer_server: text('connected when its own mam server is running, else unknown'),
  },
};
export type StartParams = Sent<typeof start.params>;

export interface StartResult {
  session: AgentSession;
  ready: boolean;
  /** What keeps it from being ready, and what to do about it. */
  waits_for?: string | undefined;
  /** The job whose conversation is open in it. */
  resumed_job?: string | undefined;
  /** Why its last conversation was not resumed as requested. */
  not_resumed?: string | undefined;
  /** Why nobody can attach to it, and how to fix that. */
  out_of_reach?: string | undefined;
  peer_server: 'connected' | 'unknown';
}

/**
 * Builds the hub request to start an agent.
 * @param asked with the variables and arguments that a person adds: no model may
 * @param cwd the folder that `workdir` is relative to
 * @throws MamError `bad_input` for what can't be added to its start, and for a folder that is not the job's
 */
export function startParams(
  { name, workdir, resume, resume_job, ...asked }: Omit<Values<typeof startAsked>, 'agent'> & StartWishes,
  kind: KnownKind,
  cwd: string,
  { launch: how, tmuxSocket, path }: AskerSettings,
): StartParams {
  if (resume_job !== undefined && workdir !== undefined)
    throw new MamError(
      'bad_input',
      "A job's conversation is resumed in the job's folder.",
      'Leave out workdir.',
    );
  return {
    ...how,
    agent: kind.name,
    profile: kind.profile,
    name: name ?? kind.ownSession?.replace(/^tmux:/, ''),
    workdir: resolve(cwd, workdir ?? kind.workdir ?? '.'),
    resume,
    resume_job,
    terminal: kind.terminal,
    tmux_socket: tmuxSocket,
    path,
    ...kind.startWith(asked),
  };
}

/**
 * The fields of a start on another host, where all names and folders are its own.
 * @throws MamError `bad_input` as `checkThere`
 */
export function startThere(
  host: string,
  { agent, name, workdir, model, resume, resume_job }: Omit<Values<typeof startFields>, 'host'>,
) {
  if (resume_job !== undefined)
    throw new MamError(
      'bad_input',
      `The conversation of a job is opened on the machine that has it, not from another one.`,
      `Run \`mam start ${cleanLine(agent, 80)} --resume ${cleanLine(resume_job, 80)}\` on ${host}.`,
    );
  checkThere(host, 'workdir', workdir);
  return { agent, name: name?.replace(/^tmux:/, ''), workdir, model, resume };
}

/** What a person does with an agent that has a job's conversation again. */
export function resumedText(jobId: string): string {
  return `It was started in the conversation of job ${jobId}: tell it there to go on, and what it reports with this id still counts.`;
}

/** A kind as whoever delegates names it: by its profile, if it is one. */
export function namesOf({ name, profile }: KnownKind): Named {
  return profile === undefined ? { agent: name } : { agent: profile, kind: name };
}

/** The answer to a start, without the next step. @param at the other host that it is on */
export function startView(named: Named, started: StartResult, from: Standpoint, at?: string) {
  const { session, ready, waits_for, not_resumed, out_of_reach: lost, peer_server, resumed_job } = started;
  const target = addressAt(at, session.session);
  const isNew = not_resumed === undefined ? '' : ` It began a new conversation: ${clean(not_resumed)}.`;
  const resumed = resumed_job === undefined ? '' : ` ${resumedText(resumed_job)}`;
  const more = `${resumed}${isNew}${lost === undefined ? '' : ` ${lost}`}`;
  return {
    summary: ready
      ? `${rowWords(named)} is ready in ${target}.${more}`
      : `${rowWords(named)} was started in ${target} and is not ready: ${waits_for ?? 'it shows no input box'}${more}`,
    ...{ ...named, agent_session: session, target },
    attach_command: attachAt(at, session, from),
    ...{ ready, waits_for, peer_server },
  };
}

export const stop = {
  fields: { name: text('its session: tmux:NAME, or tmux:%3 for a pane'), host },
  params: { ...place, name: text('the session') },
  answer: { agent_session: agentSession, stopped: truth() },
};
export type StopParams = Sent<typeof stop.params>;

/** The answer of the hub. */
export interface StopResult {
  session: AgentSession;
}

/** The answer to a stop, without the next step. @param at the other host that it was on */
export function stopView({ session }: StopResult, at?: string) {
  return {
    summary: `The agent in ${addressAt(at, session.session)} was stopped.`,
    ...{ agent_session: session, stopped: true },
  };
}

const ended = { agent: text('the agent kind'), session: agentSession };
/** Ends what mam has started and nobody needs: agents that are idle, without an open job, a client or a draft. */
export const stopIdle = {
  params: place,
  answer: {
    stopped: list(group(ended), 'those that were ended'),
    left: list(group({ ...ended, why: text('why it was left') }), 'those that were left'),
  },
};
export type IdleStop = Values<typeof stopIdle.answer>;

/** The answer to `mam stop --idle`, with sanitized texts. */
export function idleStopView({ stopped, left }: IdleStop) {
  const name = ({ session }: { session: AgentSession }) => addressAt(undefined, clean(session.session));
  const some = (rows: readonly { session: AgentSession }[]) =>
    rows.length === 1 ? 'agent was' : 'agents were';
  const [first] = left;
  return {
    summary:
      stopped.length + left.length === 0
        ? 'No agent that mam has started is running on this tmux server.'
        : `${stopped.length} ${some(stopped)} stopped, ${left.length} ${some(left)} left.`,
    stopped: stopped.map((row) => ({ ...row, target: name(row) })),
    left: left.map((row) => ({ ...row, target: name(row), why: cleanLine(row.why, EVIDENCE_CHARS) })),
    next: first === undefined ? 'mam agents' : `mam attach ${clean(first.session.session)}`,
  };
}
