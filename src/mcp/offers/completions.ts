import type { CompleteResult } from '@modelcontextprotocol/sdk/types.js';
import { fieldsOf } from '../../base/json.ts';
import type { JobRow } from '../../job/row.ts';
import type { Caller, Role } from '../../tool/tool.ts';
import type { HubConnection } from '../session/engine.ts';
import { badParams } from '../wire/protocol-error.ts';
import { TEMPLATES } from './offers.ts';
import { promptNamed } from './prompts.ts';

/** MCP's own limit. */
const MOST = 100;
/** The most rows that the hub returns at once. */
const PAGE = 200;

type Values = 'agents' | 'jobs' | 'open_jobs' | 'none';
const PROMPT_VALUES: Readonly<Record<string, Values>> = {
  'delegate agent': 'agents',
  'supervise job': 'open_jobs',
  'report job_id': 'open_jobs',
};

/**
 * Completes an argument: first the values that begin with what was typed, then those that contain it.
 * @throws ProtocolError -32602 for what can't be completed, MamError if the hub can't be reached
 */
export async function complete(
  params: Record<string, unknown>,
  caller: Caller,
  hub: HubConnection,
): Promise<CompleteResult> {
  const { name, value } = fieldsOf(params['argument']);
  if (typeof name !== 'string' || typeof value !== 'string')
    throw badParams('`argument` must have a `name` and a `value`, both strings.');
  const { values, more } = await candidates(valuesOf(params['ref'], name, caller.role), caller, hub);
  const found = [
    ...values.filter((word) => word.startsWith(value)),
    ...values.filter((word) => !word.startsWith(value) && word.includes(value)),
  ];
  return {
    completion: {
      values: found.slice(0, MOST),
      ...(more ? {} : { total: found.length }),
      hasMore: more || found.length > MOST,
    },
  };
}

function valuesOf(ref: unknown, argument: string, role: Role): Values {
  const { type, uri, name } = fieldsOf(ref);
  if (type === 'ref/resource' && role === 'supervisor') {
    if (!TEMPLATES.some(({ uriTemplate }) => uriTemplate === uri)) {
      const uris = TEMPLATES.map(({ uriTemplate }) => uriTemplate).join(', ');
      throw badParams(`There is no such template. The templates are: ${uris}.`);
    }
    if (argument !== 'id') throw badParams('The templates have one argument, `id`.');
    return 'jobs';
  }
  if (type !== 'ref/prompt')
    throw badParams('`ref` must be of type ref/prompt or ref/resource, and name one that this server has.');
  const prompt = promptNamed(name, role);
  if (prompt.arguments?.some((known) => known.name === argument) !== true)
    throw badParams(`The prompt ${prompt.name} has no such argument.`);
  return PROMPT_VALUES[`${prompt.name} ${argument}`] ?? 'none';
}

/** @returns all values in order, and whether there may be more */
async function candidates(
  of: Values,
  caller: Caller,
  hub: HubConnection,
): Promise<{ values: string[]; more: boolean }> {
  if (of === 'none') return { values: [], more: false };
  if (of === 'agents') return { values: hub.kinds, more: false };
  const page = { registry_dir: hub.settings.registryDir, limit: PAGE };
  const open = await hub.peek('list', { ...page, open_only: true });
  const openIds = mineFirst(open.jobs, caller).map(({ job_id }) => job_id);
  if (of === 'open_jobs') return { values: openIds, more: open.cursor !== undefined };
  const all = await hub.peek('list', page);
  const values = [...new Set([...openIds, ...all.jobs.map(({ job_id }) => job_id)])];
  return { values, more: all.cursor !== undefined };
}

/** Open jobs, newest first, those of the caller's own pane before the rest; for a peer only those. */
function mineFirst(jobs: readonly JobRow[], { pane, role }: Caller): JobRow[] {
  if (pane === undefined) return role === 'peer' ? [] : [...jobs];
  const own = jobs.filter((job) => job.pane === pane);
  return role === 'peer' ? own : [...own, ...jobs.filter((job) => job.pane !== pane)];
}
