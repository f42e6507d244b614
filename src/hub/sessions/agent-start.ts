import { setTimeout as sleep } from 'node:timers/promises';
import { builtIn, lookFor, screenOf } from '../../agents/index.ts';
import { explain, MamError } from '../../base/errors.ts';
import { clean } from '../../base/text.ts';
import { userHome } from '../../base/user-home.ts';
import type { AgentSession } from '../../job/record.ts';
import type { StartParams, StartResult } from '../../operations/agents.ts';
import { checkWorkdir } from '../../order/delegation-checks.ts';
import { peerServer } from '../../registry/announcements.ts';
import { forRunningServer } from '../../settings/environment.ts';
import { endWithProgram, killPane, killSession } from '../../tmux/commands.ts';
import type { TmuxServer } from '../../tmux/control.ts';
import { preflight } from '../../tmux/deliver.ts';
import { putProgram } from '../../tmux/hold-session.ts';
import { HIDDEN_NAME } from '../../tmux/marks.ts';
import { listPanes } from '../../tmux/pane.ts';
import { foreground, unseenAgent } from '../../tmux/process.ts';
import { classify, find, shoot } from '../../tmux/screen.ts';
import { lostSocket } from '../../tmux/server-life.ts';
import { dialogOn } from '../dialogs/shown-dialog.ts';
import { lastWordsIn } from '../panes/lost-agent.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { addedArgs, checkAddedEnv, refusedVariable } from './added.ts';
import { newAgentFolder, noteOwner, placeFiles, sweepAgentFiles } from './agent-files.ts';
import { neededProgram } from './agent-program.ts';
import { createSession, makeSocketFolder } from './new-session.ts';

/** How long an agent may take to become ready, in ms; below the shortest limit of a client (OpenCode: 60 s). */
const READY_TIMEOUT_MS = 45_000;
/** How long (ms) a dialog must last to count: some flash by while an agent starts. */
const DIALOG_MS = 600;
/** How long a screen must be ready, in ms. */
const STEADY_MS = 700;
/** How long (ms) to wait for our server, or for an earlier conversation, once the screen is ready. */
const PARTS_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 50;

export interface Started {
  session: AgentSession;
  pane_pid: number;
}

/**
 * Creates a session and starts an agent in it, without waiting until the agent is ready.
 * @param folder of this hub, for the files that the agent's command line names
 * @param more.prompt passed on the command line, for kinds that take it
 * @param more.conversation the id of the conversation that it continues
 * @param more.isWanted false once nobody needs it any more: then its session ends before the agent is started
 * @throws MamError `unavailable` when the program is missing, `conflict` when the session already exists, or nobody needs it
 */
export async function launchAgent(
  servers: TmuxServers,
  folder: string,
  params: StartParams,
  more: {
    prompt?: string | undefined;
    conversation?: string | undefined;
    isWanted?: (() => boolean) | undefined;
  } = {},
): Promise<Started> {
  checkWorkdir(params.workdir);
  const name = sessionName(params);
  const socket = params.tmux_socket;
  const { program, launch, files } = plan(params, folder, more);
  const path = params.path === undefined ? {} : { PATH: params.path };
  const env = { ...launch.env, ...params.server_env, ...path, ...params.more_env };
  const server = servers.get(socket);
  const session = params.env ?? {};
  // A new tmux server keeps its caller's environment, so a shell that is opened there later finds the same hub.
  const home = session['MAM_HOME'] === undefined ? undefined : params.server_env?.['MAM_HOME'];
  const first = { ...session, ...(home !== undefined && { MAM_HOME: home }) };
  const made = await createSession(server, { name, folder: params.workdir, env: first });
  if (more.isWanted?.() === false) {
    await killSession(server, made.id);
    throw new MamError('conflict', 'The agent was not started: nobody needs it any more.');
  }
  try {
    const words = [program, ...launch.args];
    const whole = made.isFirst ? env : { ...forRunningServer(session), ...env };
    const { agent, profile, workdir: folder } = params;
    const run = await putProgram(server, made, { agent, profile, words, folder, env: whole });
    const { panePid: pane_pid, window, created: session_created } = run;
    if (files !== undefined) noteOwner(files, pane_pid);
    return { session: { socket, session: name, window, pane: made.pane, session_created }, pane_pid };
  } catch (error) {
    await killSession(server, made.id);
    throw new MamError(
      'unavailable',
      `The tmux session ${name} was created and is gone again: ${explain(error)}`,
      'A setting or a hook in tmux.conf ends new sessions (as exit-unattached on does). Create the session yourself, and start the agent in it.',
    );
  }
}

/** Starts an agent and waits until it can be given a job. @throws MamError as `launchAgent`, and when it ends at once */
export async function startAgent(
  servers: TmuxServers,
  home: { folder: string; servers: string },
  params: StartParams,
): Promise<StartResult> {
  const started = await launchAgent(servers, home.folder, params);
  const isUnknown = params.resume === true && builtIn(params.agent)?.start === undefined;
  const not_resumed = isUnknown ? `it is not known how ${params.agent} resumes a conversation` : undefined;
  try {
    const result = await untilReady(servers, home, params, started);
    return {
      ...result,
      not_resumed: not_resumed ?? result.not_resumed,
      out_of_reach: lostSocket(result.session.socket),
    };
  } catch (error) {
    // Claude Code 2.1.330 exits when there is nothing to resume.
    const ends = error instanceof MamError && error.code === 'unavailable';
    if (!ends || params.resume !== true) throw error;
    const anew = await startAgent(servers, home, { ...params, resume: false });
    return { ...anew, not_resumed: not_resumed ?? `it ended when it tried to resume one (${error.message})` };
  }
}

/**
 * Starts an agent in one of its earlier conversations, as `startAgent` does.
 * @throws MamError as `startAgent`: it never begins another conversation instead
 */
export async function startInConversation(
  servers: TmuxServers,
  home: { folder: string; servers: string },
  params: StartParams,
  conversation: string,
): Promise<{ started: Started; result: StartResult }> {
  const started = await launchAgent(servers, home.folder, params, { conversation });
  const result = await untilReady(servers, home, params, started, conversation);
  return { started, result: { ...result, out_of_reach: lostSocket(result.session.socket) } };
}

/** @param conversation that it must show; without one, what it resumes is up to the agent */
async function untilReady(
  servers: TmuxServers,
  home: { folder: string; servers: string },
  params: StartParams,
  started: Started,
  conversation?: string,
): Promise<StartResult> {
  const { session } = started;
  const server = servers.get(session.socket);
  const hasServer = builtIn(params.agent)?.start !== undefined;
  const resumes = conversation !== undefined || params.resume === true;
  const newOne = resumes ? builtIn(params.agent)?.newConversation?.done : undefined;
  let isEmpty = false;
  const patterns = screenOf(params.agent, params.terminal);
  const begun = performance.now();
  const dialog = new Steadiness();
  const readiness = new Steadiness();
  const result = (ready: boolean, waits_for?: string): StartResult => ({
    session,
    ready,
    waits_for,
    peer_server: peerServer(home.servers, session, started.pane_pid),
  });
  for (; performance.now() - begun < READY_TIMEOUT_MS; await sleep(READY_POLL_MS)) {
    const shot = await shoot(server, session.pane);
    if (shot === undefined) {
      throw new MamError(
        'conflict',
        `Session ${session.session} was ended while ${params.agent} was starting in it.`,
        'Start it again.',
      );
    }
    if (shot.dead) throw await ended(server, session, params.agent);
    const shown = dialogOn(shot.lines, { agent: params.agent, typing: params.terminal });
    const dialogMs = dialog.msOf(shown?.key);
    if (shown !== undefined) {
      if (dialogMs < DIALOG_MS) continue;
      await endWithProgram(server, session.pane);
      const { name, input, remedy } = shown;
      return result(false, `It shows a dialog (${name}: "${input}"). Attach and ${remedy}.`);
    }
    const isReady =
      patterns.ready === undefined
        ? shot.lines.some((line) => line !== '')
        : classify(shot.lines, patterns) === 'ready';
    // Gemini CLI 0.61.0 shows its box before it loads the conversation, and loses what is typed at that moment.
    isEmpty = find(shot.lines, newOne) !== undefined;
    const readyMs = readiness.msOf(isReady ? (isEmpty ? 'empty' : 'ready') : undefined);
    // A dialog may appear shortly after the input box (Claude Code 2.1.330: 0.2 s).
    if (!isReady || readyMs < STEADY_MS) continue;
    if (isEmpty && conversation !== undefined) continue;
    const lacksServer = hasServer && result(true).peer_server !== 'connected';
    if ((lacksServer || isEmpty) && readyMs < PARTS_TIMEOUT_MS) continue;
    await endWithProgram(server, session.pane);
    const why = await whyUnreachable(server, started, params);
    if (why !== undefined) return result(false, `Nothing can be typed there: ${why}.`);
    const missing = 'Its mam server has not connected; it can report with `mam publish`.';
    const not_resumed = isEmpty ? 'it shows no earlier one' : undefined;
    return { ...result(true, lacksServer ? missing : undefined), not_resumed };
  }
  await endWithProgram(server, session.pane);
  const limit = `within ${READY_TIMEOUT_MS / 1000} s`;
  if (isEmpty) return result(false, `It did not show its conversation ${limit}. Attach and look.`);
  const last = ((await shoot(server, session.pane))?.lines ?? []).filter((row) => row !== '').at(-1);
  const screen = last === undefined ? 'its screen is empty' : `its screen ends with: ${clean(last)}`;
  return result(false, `It was not ready ${limit}; ${screen}. Attach and look.`);
}

/** For how long a screen has shown the same. */
class Steadiness {
  #key: string | undefined;
  #since = 0;

  /** @param key what is seen now; undefined for nothing @returns for how long it has been seen, in ms */
  msOf(key: string | undefined): number {
    const now = performance.now();
    if (key !== this.#key) this.#since = now;
    this.#key = key;
    return now - this.#since;
  }
}

/** Why no order would be typed into the pane of an agent that looks ready. */
async function whyUnreachable(
  server: TmuxServer,
  { session, pane_pid }: Started,
  { agent, terminal }: StartParams,
): Promise<string | undefined> {
  const pane = (await listPanes(server)).find((one) => one.pane === session.pane);
  if (pane === undefined) return 'its pane is gone';
  const look = lookFor({ agent, typing: terminal, job_id: 'none' });
  const target = { pane: pane.pane, pane_pid, agent: foreground(pane) ?? unseenAgent(pane) };
  const seen = await preflight({ server, target }, look);
  if ('gone' in seen) return seen.gone;
  return 'obstacle' in seen && seen.obstacle.by === 'unreachable' ? seen.obstacle.evidence : undefined;
}

/**
 * Lets a session that was started for a job end with its program. Another pane that has reused its id is left alone.
 * @param over the job has ended: then a dead pane is removed, so that the next job can start the agent again
 */
export async function release(
  server: TmuxServer,
  session: AgentSession,
  process: { pane_pid: number } | undefined,
  over: boolean,
): Promise<void> {
  const shot = await shoot(server, session.pane);
  if (shot?.pane_pid !== process?.pane_pid) return;
  if (over && shot?.dead === true) await killPane(server, session.pane);
  else await endWithProgram(server, session.pane);
}

async function ended(server: TmuxServer, { pane }: AgentSession, agent: string): Promise<MamError> {
  const words = await lastWordsIn(server, pane);
  await killSession(server, pane);
  return new MamError(
    'unavailable',
    `${agent} ended as it started. Its last words: ${words}`,
    'Run it once by hand in that folder, and try again.',
  );
}

function sessionName({ agent, name }: StartParams): string {
  const wanted = name?.replace(/^tmux:/, '') ?? builtIn(agent)?.defaultSession ?? agent;
  if (wanted.startsWith(HIDDEN_NAME)) {
    const why = `Names that begin with ${HIDDEN_NAME} are for the hub's own sessions, which no list shows.`;
    throw new MamError('bad_input', why, 'Start it under another name.');
  }
  if (/^[A-Za-z0-9_][A-Za-z0-9_-]{0,59}$/.test(wanted)) return wanted;
  const why = 'The name of the session has characters that tmux changes or that have a meaning to it.';
  throw new MamError('bad_input', why, 'Use at most 60 letters, digits, - and _.');
}

/**
 * Checks that an agent can be started as requested; creates nothing.
 * @returns the program's path
 * @throws MamError `unavailable` when it is missing, `bad_input` for a kind or a name that can't be started, `io` if tmux
 * can't have its socket
 */
export function checkStart(params: StartParams): string {
  sessionName(params);
  addedArgs(params);
  checkAddedEnv(params);
  makeSocketFolder(params.tmux_socket, true);
  return neededProgram(params);
}

/** The command line of an agent, and its files in place. @throws MamError as `checkStart` */
function plan(
  params: StartParams,
  folder: string,
  { prompt, conversation }: { prompt?: string | undefined; conversation?: string | undefined },
) {
  const { agent, terminal, workdir, mam, more_env: added = {} } = params;
  const program = checkStart(params);
  const start = builtIn(agent)?.start;
  const ownArgs = terminal?.command?.slice(1) ?? [];
  const more = addedArgs(params);
  if (start === undefined)
    return { program, launch: { args: [...ownArgs, ...more], env: {} }, files: undefined };
  sweepAgentFiles(folder);
  const files = newAgentFolder(folder);
  const [node = 'node', ...rest] = mam;
  const launch = start.launch({
    server: [node, ...rest],
    serverEnv: { ...params.server_env, MAM_ROLE: 'peer' },
    hook: [node, ...rest, 'hook', agent],
    folder: files,
    workdir,
    home: added['HOME'] ?? params.env?.['HOME'] ?? userHome(),
    resume: params.resume ?? false,
    conversation,
    more,
    prompt,
  });
  const ours = Object.keys(launch.env).find((name) => Object.hasOwn(added, name));
  if (ours !== undefined) throw refusedVariable(agent, ours);
  placeFiles(files, launch);
  return { program, launch: { ...launch, args: [...ownArgs, ...launch.args] }, files };
}
