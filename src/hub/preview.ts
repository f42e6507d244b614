import { existsSync } from 'node:fs';
import type { JobOrder } from '../job/record.ts';
import type { DelegateParams, PreviewResult } from '../job/request.ts';
import { ensureRegistry, jobPaths } from '../registry/paths.ts';
import { newRecord } from './compose-job.ts';
import { makeLogFolder } from './delegation-checks.ts';
import type { Plan } from './delegation-plan.ts';
import type { Dispatcher } from './dispatcher.ts';
import { orderText } from './order-text.ts';
import { obstacleAt } from './refuse-busy.ts';
import type { Registrar } from './registrar.ts';
import { sharedFolder } from './shared-folder.ts';
import type { TmuxServers } from './tmux-servers.ts';

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
  const file = jobPaths(params.registry_dir, order.job_id).prompt;
  return {
    record: { ...record, ...(obstacle && { blocked_by: obstacle.by }) },
    repeated: false,
    delivery: [],
    position: behind.length,
    behind,
    warnings: sharedFolder(record, hub.registrar.open),
    ...(params.agent !== 'human' && { typed_text: orderText(record, file, prompt) }),
  };
}
