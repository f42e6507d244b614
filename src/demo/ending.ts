import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MamError } from '../base/errors.ts';
import { namesIn } from '../base/folders.ts';
import { parseObject } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import type { ProcessId } from '../base/process-id.ts';
import { sendSignal, startOf } from '../base/processes.ts';
import { until } from '../base/until.ts';
import { livingOwner } from '../registry/lock.ts';
import { removeNetwork } from './network.ts';
import { endTmux, tmuxPids } from './private-tmux.ts';
import { notedMore, type Stage, secondStage } from './stage.ts';

/** How long the demo's processes may take to end by themselves, and then by force, in ms. */
const END_MS = 5_000;
const FORCE_MS = 2_000;
/** How long the children of a process in a pane may outlive it, in ms: the hang-up has reached them as well. */
const CHILDREN_MS = 500;

/** A process, distinct from a later one with the same id. */
type Doomed = Pick<ProcessId, 'pid' | 'start'>;

/** Ends what a demo started, then removes its folder. @throws MamError `internal` if a process stays: then both stay */
export async function endStage(stage: Stage): Promise<void> {
  const { network, broker } = notedMore(stage);
  // The second host's supervisor is on the first one, which ends last.
  if (existsSync(secondStage(stage).folder)) await endProcesses(secondStage(stage));
  await endProcesses(stage);
  if (broker !== undefined) {
    const brokers = identify([broker]);
    for (const { pid } of brokers) sendSignal(pid, 'SIGTERM');
    await untilGone(brokers);
  }
  if (network !== undefined) await removeNetwork(network);
  await rm(stage.folder, { recursive: true, force: true, maxRetries: 5 });
}

async function endProcesses(stage: Stage): Promise<void> {
  const peers = identify([...(await tmuxPids(stage)), ...serverPids(stage)]);
  await endTmux(stage);
  await untilGone(peers);
  await until(() => !peers.some(hasGroup), CHILDREN_MS);
  // Only now: while there are clients, one of them may start a new hub.
  const hub = livingOwner(stage.home.lock);
  const hubs = hub === undefined ? [] : identify([hub.pid]);
  for (const { pid } of hubs) sendSignal(pid, 'SIGTERM');
  await untilGone(hubs);
}

function identify(pids: number[]): Doomed[] {
  return pids.flatMap((pid) => {
    const start = startOf(pid);
    return start === undefined ? [] : [{ pid, start }];
  });
}

/** Waits for processes that were asked to end, then ends the rest by force. @throws MamError `internal` */
async function untilGone(doomed: Doomed[]): Promise<void> {
  const left = (): Doomed[] => doomed.filter(({ pid, start }) => startOf(pid) === start);
  if (await until(() => left().length === 0, END_MS)) return;
  for (const { pid } of left()) sendSignal(pid, 'SIGKILL');
  if (await until(() => left().length === 0, FORCE_MS)) return;
  const stuck = left().map(({ pid }) => pid);
  throw new MamError('internal', `The demo's processes ${stuck.join(', ')} did not end.`);
}

/** The peers' MCP servers, which announce themselves by a file each. */
function serverPids({ home }: Stage): number[] {
  const files = namesIn(home.servers).map((name) => join(home.servers, name));
  const found = files.map((path) => parseObject(orElse(() => readFileSync(path, 'utf8'), ''))['pid']);
  return found.filter((pid) => typeof pid === 'number');
}

/** True while anything runs in the process group that a pane's program led. */
function hasGroup({ pid }: Doomed): boolean {
  return orElse(() => process.kill(-pid, 0), false);
}
