import { builtIn, human, newConversationOf } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import { findProgram } from '../../base/find-program.ts';
import { shellWord } from '../../base/shell.ts';
import { counted } from '../../base/text.ts';
import { scriptFacts } from '../../checks/script-hash.ts';
import { checkNamedScript } from '../../checks/script-start.ts';
import { LIMITS } from '../../job/limits.ts';
import type { JobOrder } from '../../job/record.ts';
import type { StartParams } from '../../operations/agents.ts';
import { checkNumbers } from '../../operations/check.ts';
import { type DelegateParams, delegate } from '../../operations/delegate.ts';
import type { Validation } from '../../order/compose-job.ts';
import { checkWorkdir } from '../../order/delegation-checks.ts';
import { newSessionName } from '../../order/new-session-name.ts';
import type { Home } from '../../registry/home.ts';
import { scrubbedEnvironment } from '../../settings/environment.ts';
import { findPane } from '../../tmux/pane.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { programOf } from '../sessions/agent-program.ts';
import { checkStart } from '../sessions/agent-start.ts';
import { findPlace, type Place } from './place.ts';
import { refuseBusy } from './refuse-busy.ts';
import { wakeTarget } from './wake-target.ts';
import { checkCanMove, type TreePlan, treePlan } from './worktree-plan.ts';

/** What a delegation will do, known before anything is written. */
export interface Plan {
  /** Where the job goes; absent for a person, and for an agent that is still to be started. */
  place: Place | undefined;
  /** How its agent is started, if its session is missing. */
  start: StartParams | undefined;
  validation: Validation | undefined;
  notify: JobOrder['notify'];
  /** What the job's id will be; another host may have fixed it. */
  job_id: string;
  /** Its git worktree, if it gets one. */
  tree: TreePlan | undefined;
}

/**
 * Checks everything that a delegation needs, and changes nothing.
 * @param jobId of the job to be
 * @throws MamError for anything that keeps the job from being registered
 */
export async function planDelegation(
  hub: { servers: TmuxServers; dispatcher: Dispatcher; home: Home },
  params: DelegateParams,
  jobId: string,
): Promise<Plan> {
  checkNumbers(delegate.fields, { ...params });
  checkWorkdir(params.workdir);
  checkSense(params);
  if (params.start === undefined || params.agent === human.name) checkFresh(params);
  const script = params.validate;
  const validation = script === undefined ? undefined : checkedScript(script, params.path);
  const [notify, tree] = [await wakeTarget(hub, params), await treePlan(params, jobId, hub.home.folder)];
  const plan = { place: undefined, start: undefined, validation, notify, job_id: jobId, tree };
  if (params.agent === 'human') {
    // The session in which the job is shown must exist.
    if (params.agent_session !== undefined)
      await findPane(hub.servers.get(params.tmux_socket), params.agent_session);
    return plan;
  }
  if (params.session === 'new') {
    checkNew(params);
    const start = {
      ...params,
      ...params.start,
      name: newSessionName(params.profile ?? params.agent, jobId),
    } as StartParams;
    checkStart(start);
    return { ...plan, start };
  }
  const place = await placeOf(hub.servers, params);
  if (place === undefined) {
    const start = { ...params, ...params.start, name: params.agent_session } as StartParams;
    checkStart(start);
    return { ...plan, start };
  }
  checkCanMove(params);
  checkFresh(params);
  // What a job waits for may take long: whether its pane is free counts then.
  if (params.on_busy === 'refuse' && params.after === undefined) await refuseBusy(hub, params, place);
  return { ...plan, place };
}

/** @throws MamError `bad_input` for what would silently have no effect */
function checkSense({ validate, validate_rounds: rounds = 0, agent, start }: DelegateParams): void {
  if (rounds > 0 && validate === undefined)
    throw new MamError(
      'bad_input',
      'Rounds need a check.',
      'Give validate (`--validate`) too, or leave out validate_rounds (`--validate-rounds`).',
    );
  if (agent === human.name && start !== undefined)
    throw new MamError('bad_input', 'A person cannot be started.', 'Leave out start (`--start`).');
}

/** @throws MamError `refused` for more new sessions than the caller's settings allow */
function checkNew({ max = 1, limits }: DelegateParams): void {
  const most = limits?.max_new_sessions ?? LIMITS.maxNewSessions;
  if (max <= most) return;
  throw new MamError(
    'refused',
    `The limit is ${counted(most, 'new session')} of a kind at once (MAM_MAX_NEW_SESSIONS or max_new_sessions), and max is ${max}.`,
    most === 0
      ? 'Name a running session with agent_session, or raise the limit.'
      : 'Leave out max (`--max`), or raise the limit.',
  );
}

/** For an agent that is not started for the job. @throws MamError `bad_input` if it is not known how it begins a new conversation */
function checkFresh({ fresh, agent, terminal }: DelegateParams): void {
  if (fresh !== true || newConversationOf(agent, terminal) !== undefined) return;
  const isPerson = builtIn(agent) === human;
  throw new MamError(
    'bad_input',
    isPerson
      ? 'A job for a person cannot begin a new conversation.'
      : `mam does not know how to begin a new conversation in agent kind ${agent}.`,
    isPerson || agent === 'command'
      ? 'Leave out fresh (`--fresh`).'
      : `Set agents.${agent}.fresh in MAM_HOME/config.json to the agent's own command for it, such as "/new". Or stop the agent, and delegate with \`start\` true (\`--start\`): a started agent has a new conversation.`,
  );
}

/** @throws MamError `bad_input` for a script that can't be read, or could not run when its time comes */
function checkedScript(script: string, path: string | undefined): Validation {
  const facts = scriptFacts(script);
  checkNamedScript(script, path ?? scrubbedEnvironment()['PATH']);
  return facts;
}

/** Where the job goes; undefined when its session is missing and may be started. */
async function placeOf(servers: TmuxServers, params: DelegateParams): Promise<Place | undefined> {
  try {
    return await findPlace(servers, params);
  } catch (error) {
    if (!(error instanceof MamError) || error.code !== 'not_found') throw error;
    if (params.start === undefined) throw withStartHint(error, params);
    return undefined;
  }
}

/** Adds to the error for a missing session how to start it, or what that requires. */
function withStartHint(
  error: MamError,
  { agent, profile, terminal, agent_session: address, path }: DelegateParams,
): MamError {
  const name = address?.replace(/^tmux:/, '');
  const program = programOf(agent, terminal);
  const pane = /%\d+$|[:.]/.test(name ?? '');
  if (pane || program === undefined) return error;
  const { code, message, hint } = error;
  if (findProgram(program, path) === undefined) {
    const install = builtIn(agent)?.start?.install ?? 'Install it.';
    const missing = `${program} is not installed, or not on the PATH. ${install}`;
    return new MamError(code, message, `${missing} ${hint}`);
  }
  const asked = profile ?? agent;
  const isUsual = name === asked || (profile === undefined && name === builtIn(agent)?.defaultSession);
  const named = name === undefined || isUsual ? '' : ` --name ${shellWord(name)}`;
  const ways = `with \`start\` true (\`--start\` in a shell), or by \`mam start ${shellWord(asked)}${named}\``;
  return new MamError(code, message, `Have it started: ${ways}. ${hint}`);
}
