import { existsSync } from 'node:fs';
import { explain, MamError } from '../../base/errors.ts';
import { makeLogFolder } from '../../checks/delegation-checks.ts';
import { needOf } from '../../job/apply.ts';
import type { JobOrder, JobRecord } from '../../job/record.ts';
import type { DelegateParams, PreviewResult } from '../../operations/request.ts';
import { ensureRegistry, jobPaths } from '../../registry/paths.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import { orderText } from '../delivery/order-text.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import { composeJob, newRecord } from './compose-job.ts';
import type { Plan } from './delegation-plan.ts';
import { obstacleAt } from './refuse-busy.ts';
import { sharedFolder } from './shared-folder.ts';

/** Refusals of the place where a job would go: what it would be given is known all the same. */
const OF_THE_PLACE = ['not_found', 'unavailable', 'unreachable', 'conflict', 'refused'];

/**
 * The hub's preview. Without a place to go to, or without a hub: what would be typed, and why the call would be refused.
 * @throws MamError for what is wrong with the job itself
 */
export async function previewOrWhy(
  ask: () => Promise<PreviewResult>,
  params: DelegateParams,
  host: string,
): Promise<PreviewResult & { refusal?: MamError }> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof MamError) || !OF_THE_PLACE.includes(error.code)) throw error;
    const none = { place: undefined, validation: undefined, parent: undefined, notify: undefined };
    const order = composeJob({ ...none, params, prompt: params.prompt ?? '', host, peer_server: 'unknown' });
    return {
      ...shown(newRecord(order), params, params.prompt ?? ''),
      would_refuse: explain(error),
      refusal: error,
    };
  }
}

function shown(record: JobRecord, params: DelegateParams, prompt: string): PreviewResult {
  const file = jobPaths(params.registry_dir, record.job_id).prompt;
  return {
    record,
    repeated: false,
    delivery: [],
    position: 0,
    behind: [],
    warnings: [],
    ...(params.agent !== 'human' && { typed_text: orderText(record, file, prompt) }),
  };
}

/** Looks whether a job could be kept. @throws MamError as making it would */
export async function checkKept(registrar: Registrar, { registry_dir: registry }: DelegateParams) {
  if (existsSync(registry)) await registrar.ready(registry);
  else ensureRegistry(registry, true);
}

/** What a delegation would give, once its order is made. @throws MamError `io` when its log folder can't be made */
export async function wouldGive(
  hub: { servers: TmuxServers; dispatcher: Dispatcher; registrar: Registrar },
  params: DelegateParams,
  prompt: string,
  { place }: Plan,
  order: JobOrder,
): Promise<PreviewResult> {
  if (params.logs_dir !== undefined) makeLogFolder(order.log_dir, true);
  const record = newRecord(order);
  const queue = place && hub.dispatcher.ahead(place.session.socket, place.session.pane);
  const behind = (queue ?? []).map(({ id }) => id);
  const obstacle = place && behind.length === 0 ? await obstacleAt(hub, params, place) : undefined;
  const [holder] = queue ?? [];
  const needs = holder && needOf(holder.record);
  const kept = {
    ...(obstacle && { blocked_by: obstacle.by, blocked_step: obstacle.step }),
    ...(holder && needs && { blocked_by: 'behind', behind: { job_id: holder.id, needs } }),
  };
  return {
    ...shown({ ...record, ...kept }, params, prompt),
    position: behind.length,
    behind,
    warnings: sharedFolder(record, hub.registrar.open),
  };
}
