import { kindNames, resolveKind } from '../../../agents/index.ts';
import { MamError } from '../../../base/errors.ts';
import { userHome } from '../../../base/user-home.ts';
import type { KnownKind, StartParams } from '../../../operations/agents.ts';
import { startParams } from '../../../operations/agents.ts';
import { type DelegateParams, delegateParams } from '../../../operations/delegate.ts';
import type { Delegator } from '../../../order/compose-job.ts';
import { type Env, loadSettings } from '../../../settings/config.ts';
import { type AskerSettings, askerSettings } from '../../../settings/program.ts';
import { plainError } from '../../delegation/plain-error.ts';
import type { AskParams, DelegationAsk } from './ask-params.ts';
import {
  checkDelegates,
  checkKind,
  checkSession,
  checkStarts,
  type Guest,
  scriptFor,
  workdirFor,
} from './policy.ts';

/**
 * The settings for what is asked for a folder: those of this user and of the folder's project, as if asked there. Nothing
 * that another host sends has an effect on them.
 */
export async function settingsAt(workdir: string, env?: Env): Promise<AskerSettings> {
  return askerSettings(await loadSettings({ cwd: workdir }, env));
}

export type SettingsAt = typeof settingsAt;

export interface RemoteOrder {
  params: DelegateParams;
  delegator: Delegator;
}

/**
 * The hub's own request for a job that another host delegates, and what that host's hub has fixed about it.
 * @param prompt as it was sent, whole
 * @throws MamError `refused` for what the guest may not do, `bad_input` for an unknown kind
 */
export async function remoteOrder(
  guest: Guest,
  asked: DelegationAsk,
  prompt: string,
  at: SettingsAt,
): Promise<RemoteOrder> {
  const { job_id, depth, lineage, start, timeouts, supervisor, session, validate } = asked;
  checkDelegates(guest);
  if (start) checkStarts(guest);
  const folder = workdirFor(guest, asked.workdir, userHome);
  const script = validate === undefined ? undefined : scriptFor(guest, validate);
  const settings = await at(folder);
  const kind = kindFor(guest, asked.agent, settings);
  const workdir = ownFolder(guest, asked.workdir, kind) ?? folder;
  const { worktree, base } = asked;
  const needsOwn = kind.defaultSession === 'new' || worktree !== undefined;
  const isNew = asked.new_session || (session === undefined && needsOwn);
  // A session that is made for the job is nobody else's.
  if (isNew) checkStarts(guest);
  else checkSession(guest, session ?? kind.defaultSession, kind.defaultSession);
  const wishes = {
    ...{ prompt, agent: kind.name, agent_session: session, workdir, start, validate: script },
    ...{ trust_pane: false, fresh: asked.fresh, on_busy: asked.on_busy, ...timeouts },
    max_tokens: asked.max_tokens,
    ...{ worktree, base },
    ...{ session: isNew ? ('new' as const) : undefined, max: asked.max, keep: asked.keep },
    validate_rounds: asked.validate_rounds,
    validate_timeout_seconds: asked.validate_timeout_seconds,
    ...{
      after: undefined,
      after_any_end: false,
      request_key: undefined,
      notify: 'none' as const,
      dry_run: false,
    },
  };
  const asker = { clientName: supervisor.client, session: supervisor.session, pids: [], cwd: workdir };
  // Processes and panes of another machine mean nothing here.
  const params = { ...delegateParams(wishes, kind, asker, settings), origin: undefined };
  const { host, may } = guest;
  return { params, delegator: { host, job_id, depth, lineage, most: may?.max_open_jobs } };
}

/** The hub's own request to start an agent. @throws MamError as `remoteOrder` */
export async function remoteStart(
  guest: Guest,
  { agent, session, workdir: asked, model, resume }: AskParams['start'],
  at: SettingsAt,
): Promise<StartParams> {
  checkStarts(guest);
  const folder = workdirFor(guest, asked, userHome);
  const settings = await at(folder);
  const kind = kindFor(guest, agent, settings);
  const workdir = ownFolder(guest, asked, kind) ?? folder;
  const name = session ?? kind.ownSession;
  checkSession(guest, name ?? kind.profile ?? kind.name, kind.ownSession);
  return startParams({ name: name?.replace(/^tmux:/, ''), workdir, model, resume }, kind, workdir, settings);
}

/** The folder of a kind, for a guest that names none. @throws MamError `refused` for one that the guest may not use */
function ownFolder(guest: Guest, asked: string | undefined, { workdir }: KnownKind): string | undefined {
  return asked !== undefined || workdir === undefined ? undefined : workdirFor(guest, workdir, userHome);
}

/** The kind of agents that is meant. @throws MamError `bad_input`, or `refused` for one that the guest may not use */
function kindFor(guest: Guest, name: string, settings: AskerSettings): KnownKind {
  let kind: KnownKind;
  try {
    kind = resolveKind(name, settings);
  } catch (error) {
    if (!(error instanceof MamError)) throw error;
    const kinds = guest.may?.agents ?? kindNames(settings.agents);
    throw plainError('bad_input', 'There is no such agent kind.', `Kinds there: ${kinds.join(', ')}.`);
  }
  // A profile may do what its kind may not: it needs its own permission.
  checkKind(guest, kind.profile ?? kind.name);
  return kind;
}
