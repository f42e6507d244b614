import { resolveKind } from '../../agents/index.ts';
import { MamError } from '../../base/errors.ts';
import type { Fields, Values } from '../../base/fields.ts';
import { pidNamespace } from '../../base/process-id.ts';
import { clean } from '../../base/text.ts';
import { spoolPrompt } from '../../bus/spool/spool.ts';
import { doneClaim } from '../../job/claim.ts';
import { LIMITS } from '../../job/limits.ts';
import type { Link } from '../../link/link.ts';
import { agentPlace, agentsView } from '../../operations/agents.ts';
import { answer } from '../../operations/answer.ts';
import { cancel } from '../../operations/cancel.ts';
import { delegate, delegateParams } from '../../operations/delegate.ts';
import { delegateToParams } from '../../operations/delegate-to.ts';
import { delegationView } from '../../operations/delegation-view.ts';
import { addressOf } from '../../operations/host-address.ts';
import { listJobs, listView } from '../../operations/list.ts';
import { jobLogView, logs } from '../../operations/logs.ts';
import { doneText, publish } from '../../operations/publish.ts';
import { ELSEWHERE_MS } from '../../operations/request.ts';
import { inputSchema } from '../../operations/schema.ts';
import { status } from '../../operations/status.ts';
import { type Settings, sessionOf } from '../../settings/config.ts';
import { askerSettings } from '../../settings/program.ts';
import { timeline } from '../../view/timeline.ts';

/** What a call needs. */
export interface Context {
  link: Link;
  settings: Settings;
}

interface Call {
  /** The most that a request may have, in bytes. */
  limit: number;
  run(args: Record<string, unknown>, context: Context): Promise<object>;
}

const SMALL = 64 * 1024;
/** For the delegation itself (5 s), the start of an agent, and the start of a hub; in ms. */
const DELEGATE_MS = 60_000;

/** The calls of the page, under the names of the tools that do the same; whoever calls them is a person. */
export const CALLS: ReadonlyMap<string, Call> = new Map([
  [
    'list_jobs',
    call({ ...listJobs.fields, open_only: listJobs.params.open_only }, async (args, { link, settings }) => {
      const { mine: _, ...filter } = args;
      const { registryDir: registry_dir } = settings;
      return listView(await link.request('list', { ...filter, registry_dir }), registry_dir);
    }),
  ],
  [
    'job_logs',
    call(logs.fields, async ({ job_id, after, limit, include }, { link, settings }) => {
      const address = { job_id, registry_dir: settings.registryDir };
      const [log, pane] = await Promise.all([
        link.request('log', { ...address, events_after: after, limit }),
        include.includes('screen') ? link.request('screen', address) : undefined,
      ]);
      return {
        ...jobLogView(log.record, log.events.length),
        prompt_bytes: log.record.prompt_bytes,
        events: timeline(log.events, log.record),
        screen: pane && clean(pane.screen.join('\n')),
        screen_live: pane?.live,
        screen_missing: pane?.missing,
        cursor: log.cursor,
        more: log.more,
      };
    }),
  ],
  [
    'job_status',
    call(status.fields, async ({ job_id, task_offset }, { link, settings }) => {
      const { registryDir: registry_dir } = settings;
      const { task, task_next_offset } = await link.request('status', { job_id, registry_dir, task_offset });
      return { task: task && clean(task), task_next_offset };
    }),
  ],
  [
    'answer_job',
    call(answer.fields, async (args, { link, settings }) => {
      const { registryDir: registry_dir } = settings;
      const { delivered } = await link.request('answer', { ...args, registry_dir, by: 'person' });
      return { summary: delivered };
    }),
  ],
  [
    'cancel_job',
    call(cancel.fields, async (args, { link, settings }) => {
      const { registryDir: registry_dir } = settings;
      const { record, note } = await link.request('cancel', { ...args, registry_dir, by: 'person' });
      return { summary: `${args.job_id} is ${record?.status ?? 'no longer tracked'}. ${note}` };
    }),
  ],
  [
    'publish_event',
    call(publish.fields, async ({ job_id, event, detail }, { link }) => {
      if (event !== 'completed')
        throw new MamError('bad_input', 'Only completed can be reported here.', 'Send the event completed.');
      const origin = { pids: [process.pid], ns: pidNamespace() };
      const claim = doneClaim(job_id, detail?.trim() || 'Done.', origin);
      return { summary: doneText(job_id, await link.claim(claim)) };
    }),
  ],
  ['list_agents', call({}, (_, { link, settings }) => agentsHere(link, settings))],
  [
    'delegate_job',
    call(
      delegate.fields,
      async (args, { link, settings }) => {
        const { host, session } = addressOf({ host: args.host, session: args.agent_session }, settings);
        const asked = { ...args, agent_session: session };
        const { pane, paneSocket: socket, place, cwd } = settings;
        const asker = {
          ...{ clientName: 'web', session: sessionOf(settings), pane, socket, place, cwd },
          pids: [process.pid],
          ns: pidNamespace(),
        };
        const own = askerSettings(settings);
        const { home } = settings;
        const result =
          host === undefined
            ? await link.request(
                'delegate',
                await spoolPrompt(home, delegateParams(asked, resolveKind(args.agent, settings), asker, own)),
                DELEGATE_MS,
              )
            : await link.request(
                'delegate_to',
                await spoolPrompt(home, delegateToParams({ ...asked, host }, asker, own)),
                ELSEWHERE_MS,
              );
        const { summary, job_id, warnings } = delegationView(result, settings);
        return { summary, job_id, warnings };
      },
      // JSON may write a character of the prompt as six.
      6 * LIMITS.promptBytes + SMALL,
    ),
  ],
]);

/** A call with checked arguments. */
function call<F extends Fields>(
  fields: F,
  run: (args: Values<F>, context: Context) => Promise<object>,
  limit = SMALL,
): Call {
  const schema = inputSchema(fields);
  return {
    limit,
    run: (given, context) => {
      const { data, error } = schema.safeParse(given);
      if (error === undefined) return run(data as Values<F>, context);
      const [issue] = error.issues;
      const where = issue?.path.join('.') || 'the request';
      const problem = issue?.message ?? 'is not valid';
      // Our own texts continue the sentence; the library's begin one.
      const gap = /^(is|has) /.test(problem) ? ' ' : ': ';
      throw new MamError('bad_input', `${where}${gap}${problem}.`);
    },
  };
}

async function agentsHere(link: Link, settings: Settings): Promise<object> {
  const { agents } = await link.request('agents', agentPlace(settings));
  const say = { delegate: '', start: () => '', none: '' };
  return agentsView(agents, { ...settings, inside: settings.paneSocket }, say);
}
