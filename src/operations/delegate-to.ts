import { MamError } from '../base/errors.ts';
import { choice, count, flag, group, maybe, number, object, type Sent, text } from '../base/fields.ts';
import { namedResults } from '../job/result-marks.ts';
import { withoutStarts } from '../settings/agent-config.ts';
import type { AskerSettings } from '../settings/program.ts';
import { place } from './agents.ts';
import { type Asker, checkThere, origin, originOf, supervisor } from './common.ts';
import { checkNewSession, type DelegateArgs, type DelegateParams, delegate } from './delegate.ts';

const { trust_pane: _, ...asked } = delegate.asked;

/**
 * A job for an agent on another host. Of this machine it has only what this hub needs to keep it and to notify its
 * supervisor; agent kind, session, folder and script are names there.
 */
export const delegateTo = {
  params: {
    host: text('the other host'),
    ...asked,
    prompt: maybe(text('the task itself'), 'see prompt_spool'),
    prompt_spool: maybe(text('file with it in the spool folder of MAM_HOME, when longer than 16 KiB')),
    agent: text('the agent kind there'),
    workdir: maybe(text('absolute path on that host')),
    validate: maybe(text('absolute path on that host')),
    timeout_seconds: number(),
    idle_timeout_seconds: number(),
    on_busy: choice(['queue', 'refuse']),
    notify: maybe(group({ configured: place.configured })),
    dry_run: flag('only say what the other host would do'),
    registry_dir: text('folder of the registry, absolute'),
    logs_dir: maybe(text()),
    supervisor,
    origin: maybe(origin),
    limits: maybe(group({ max_depth: count(), max_open_jobs: count() })),
  },
};
export type DelegateToParams = Sent<typeof delegateTo.params>;

/** A job for an agent of this host, or of another one. */
export type HandOver = { here: DelegateParams } | { there: DelegateToParams };

/** A question about the agents or jobs of another host, with the fields of its tool. */
export const askHost = {
  params: {
    host: text('the other host'),
    command: choice(['agents', 'start', 'stop', 'list']),
    params: object<Record<string, unknown>>(
      'the fields of list_agents, start_agent, stop_agent or list_jobs',
    ),
  },
};
export type AskHostParams = Sent<typeof askHost.params>;

/**
 * Builds the hub request for a job on another host.
 * @param args with the session as that host names it
 * @throws MamError `bad_input` for a path that is not absolute: folders of this machine mean nothing there
 */
export function delegateToParams(
  args: Omit<DelegateArgs, 'host'> & { host: string },
  asker: Asker,
  settings: AskerSettings,
): DelegateToParams {
  const { notify, trust_pane, ...rest } = args;
  if (trust_pane) {
    const what = `trust_pane has no effect on ${args.host}: only its own user can say which program reads a pane there.`;
    throw new MamError(
      'bad_input',
      what,
      'Leave it out; a kind with a "ready" pattern in its config.json says so.',
    );
  }
  if ((args.after ?? []).length + namedResults(args.prompt).length > 0)
    throw new MamError(
      'bad_input',
      'A job for another host can neither wait for other jobs nor name their results.',
      'Wait for them with wait_job (`mam wait`), then delegate it without after (`--after`), with what it must know in its prompt.',
    );
  checkNewSession(args, args.session === 'new');
  checkThere(args.host, 'workdir', args.workdir);
  checkThere(args.host, 'validate', args.validate);
  const { clientName: client, session, pane, socket, place: own, channel } = asker;
  return {
    ...rest,
    supervisor: { client, session, pane, socket, place: own, ...(channel && { channel }) },
    origin: originOf(asker),
    notify: notify === 'pane' ? { configured: withoutStarts(settings.agents) } : undefined,
    registry_dir: settings.registryDir,
    logs_dir: settings.logsDir,
    limits: { max_depth: settings.maxDepth, max_open_jobs: settings.maxOpenJobs },
  };
}
