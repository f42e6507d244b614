import { isDeepStrictEqual } from 'node:util';
import type { JobRecord } from '../../src/job/record.ts';
import { isFinal } from '../../src/job/words.ts';
import { foldJob } from '../../src/registry/fold.ts';
import type { Lab } from '../support/lab.ts';
import { signal } from '../support/processes.ts';
import { PATIENCE, pause } from '../support/until.ts';
import type { Evidence } from './evidence.ts';
import { retainedRecords } from './retained.ts';
import type { World } from './world.ts';

/** The longest of the short limits, plus the allowed delay, in ms. */
const REST_MS = 8_000 + 20_000 * Math.min(PATIENCE, 3);
/** How long nothing must change, in ms. */
const QUIET_MS = 1_500;
/** Longer limits do not fire in a run, in seconds. */
const SHORT_S = 60;

/** Who takes care of everything when nothing goes wrong any more. */
export const AUDITOR = 'auditor';

/** Everything that was stopped continues. */
export function heal({ lab }: World): void {
  for (const { pid } of lab.processes) signal(pid, 'SIGCONT');
}

/**
 * Waits for due limits by reading only files, because requesting a job makes the hub load it. Then ends by hand what no
 * limit ends soon, and waits until nothing changes any more.
 * @returns what did not come to rest in time, and the open jobs whose retained record differs
 */
export async function settle(world: World): Promise<Pick<Evidence, 'restless' | 'unretained'>> {
  for (let n = 0; n < 5; n++) if ((await world.ask(AUDITOR, 'list_jobs', {})).outcome === 'answer') break;
  const end = Date.now() + REST_MS;
  while (Date.now() < end && world.lab.jobIds().some((id) => isDueSoon(world.lab, id))) await pause(100);
  const late = world.lab.jobIds().filter((id) => isDueSoon(world.lab, id));
  const unretained = await endByHand(world);
  const restless = await rest(world);
  return { restless: [...late.map((id) => `${id} has a limit that did not fire`), ...restless], unretained };
}

/** True for a job that was submitted and has a short limit. */
function isDueSoon(lab: Lab, id: string): boolean {
  try {
    const { status, submitted_at: submitted, timeouts } = lab.record(id);
    return !isFinal(status) && submitted !== undefined && timeouts.timeout_seconds < SHORT_S;
  } catch {
    // Half made or unreadable: others report that.
    return false;
  }
}

async function endByHand(world: World): Promise<string[]> {
  const unretained: string[] = [];
  const retained = await retainedRecords(world.lab);
  for (const id of world.lab.jobIds()) {
    const { answer } = await world.ask(AUDITOR, 'job_status', { job_id: id }, { job: id });
    if (answer === undefined || isFinal(answer.status)) continue;
    const { status } = retained.get(id) ?? {};
    if (status === undefined || isFinal(status))
      unretained.push(`${id}, which is ${answer.status}, says ${status}`);
    await world.ask(AUDITOR, 'cancel_job', { job_id: id, reason: 'the run is over' }, { job: id });
  }
  return unretained;
}

/** Waits until nothing changes any more. @returns what did not come to rest in time */
async function rest(world: World): Promise<string[]> {
  const end = Date.now() + REST_MS;
  for (let last = '', since = Date.now(); ; await pause(100)) {
    const { restless, print } = look(world);
    if (print !== last || restless.length > 0) since = Date.now();
    last = print;
    if (Date.now() - since >= QUIET_MS) return [];
    if (Date.now() > end + (restless.length === 0 ? QUIET_MS : 0)) return restless;
  }
}

/** What is not at rest, and a fingerprint of the state. */
function look(world: World): { restless: string[]; print: string } {
  const { lab, agents, waiting } = world;
  const restless = waiting.length === 0 ? [] : [`${waiting.length} files in the outbox`];
  const prints: string[] = [];
  for (const id of lab.jobIds()) {
    try {
      const { record } = foldJob(lab.registry, id);
      prints.push(`${id} ${record.seq}`);
      if (!isFinal(record.status)) restless.push(`${id} is ${record.status}${record.blocked_by ?? ''}`);
      else if (record.phase === 'validating') restless.push(`${id} is validating`);
      if (!isDeepStrictEqual(writtenRecord(lab, id), JSON.parse(JSON.stringify(record))))
        restless.push(`job.json of ${id} is behind`);
    } catch (error) {
      restless.push(`${id}: ${(error as Error).message}`);
    }
  }
  const open = agents
    .filter(({ isAlive }) => isAlive)
    .flatMap(({ told }) => told.filter(({ ended }) => ended === undefined));
  if (open.length > 0) restless.push(`${open.length} reports of agents are on their way`);
  return { restless, print: prints.join(' ') };
}

/** `job.json` without its proof. @throws if it can't be read */
export function writtenRecord(lab: Lab, id: string): JobRecord {
  const {
    mac: _,
    journal: __,
    ...record
  } = lab.snapshot(id) as JobRecord & { mac?: unknown; journal?: unknown };
  return record;
}
