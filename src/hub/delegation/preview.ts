import { existsSync } from 'node:fs';
import { needOf } from '../../job/apply.ts';
import type { JobOrder } from '../../job/record.ts';
import type { DelegateParams, PreviewResult } from '../../operations/delegate.ts';
import { newRecord } from '../../order/compose-job.ts';
import { makeLogFolder } from '../../order/delegation-checks.ts';
import { shown } from '../../order/preview.ts';
import { ensureRegistry } from '../../registry/paths.ts';
import type { Dispatcher } from '../delivery/dispatcher.ts';
import type { Registrar } from '../jobs/registrar.ts';
import type { TmuxServers } from '../panes/tmux-servers.ts';
import type { Wish } from './create-job.ts';
import { otherFolder } from './other-folder.ts';
import { otherProfile } from './other-profile.ts';
import { obstacleAt } from './refuse-busy.ts';
import { sharedFolder } from './shared-folder.ts';

/** Checks that a job could be stored. @throws MamError as creating it would */
export async function checkKept(registrar: Registrar, { registry_dir: registry }: DelegateParams) {
  if (existsSync(registry)) await registrar.ready(registry);
  else ensureRegistry(registry, true);
}

/** The result that a delegation would have, given its order. @throws MamError `io` when its log folder can't be made */
export async function previewResult(
  hub: { servers: TmuxServers; dispatcher: Dispatcher; registrar: Registrar },
  { params, prompt, plan: { place: found, tree } }: Wish,
  order: JobOrder,
): Promise<PreviewResult> {
  // What is in the pane now says nothing about the time when the others have ended.
  const place = order.after === undefined ? found : undefined;
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
    warnings: [
      ...(tree?.warnings ?? []),
      ...sharedFolder(record, hub.registrar.open),
      ...otherProfile(params, found),
      ...(await otherFolder(hub.servers, params, found)),
    ],
  };
}
