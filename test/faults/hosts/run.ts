import { cpSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { isFinal } from '../../../src/job/words.ts';
import { signal } from '../../support/processes.ts';
import { PATIENCE, pause } from '../../support/until.ts';
import type { Choice } from '../nemesis/index.ts';
import { Random } from '../random.ts';
import { supervise, waits } from './actors.ts';
import { raise } from './nemesis.ts';
import { lines, violations } from './rules.ts';
import type { Way } from './ways.ts';
import { HostsWorld } from './world.ts';

/** How long everything may take to come to rest, in ms: a copy asks again after 30 s, a digest comes each minute. */
const REST_MS = 150_000 * PATIENCE;
/** How much of each violation is printed, in characters, and how many. */
const SHOWN = 900;
const SHOWN_AT_MOST = 12;
/** Longer than the grace of the hosts, so that absences are told. */
const LONGEST_MS = 12_000;
/** For how long what has its own end is left to it, in ms: limits of 30 s. */
const PATIENT_MS = 35_000;
/** How often what has not is cancelled, in ms: its host may be away still. */
const CANCEL_MS = 8_000;

export interface HostsRun {
  seed: number;
  seconds: number;
  way: Way;
  hosts: number;
  /** Of the broker. */
  nodes: number;
  /** The longest fault, in ms. */
  longest?: number;
  choice: Choice;
}

/** One run: hosts delegate to each other while things go wrong; then all is mended, comes to rest, and is checked. @returns what is violated */
export async function runHosts(run: HostsRun): Promise<string[]> {
  const { seed, seconds, way, longest = LONGEST_MS, choice } = run;
  const random = new Random(seed);
  const names = ['hosta', 'hostb', 'hostc'].slice(0, run.hosts);
  const world = await HostsWorld.make(random.fork('world'), way, names, { nodes: run.nodes });
  say(`hosts ${world.net.folder}, ${names.length} over ${way}, seed ${seed}`);
  let found: string[];
  try {
    const over = Date.now() + seconds * 1000;
    const actors = names.flatMap((name) => [supervise(world, name, random.fork(name)), waits(world, name)]);
    await raise(world, random.fork('nemesis'), over, longest, choice);
    world.note('mended');
    world.over = true;
    await Promise.all(actors);
    const restless = await settle(world);
    found = [...world.problems, ...restless, ...violations(world)];
  } catch (error) {
    world.over = true;
    found = [`run: ${(error as Error).stack}`];
  }
  summary(world, found);
  const kept = join(world.net.folder, 'kept');
  if (found.length > 0)
    for (const lab of world.labs) {
      const filter = (path: string): boolean => lstatSync(path).isFile() || lstatSync(path).isDirectory();
      cpSync(lab.folder, join(kept, lab.host), { recursive: true, filter });
    }
  const left = await world.end(found.length > 0);
  for (const what of left) say(`  left: ${what}`);
  return [...found, ...left];
}

/** Waits until all jobs are over everywhere, and ends by hand what nobody will. */
async function settle(world: HostsWorld): Promise<string[]> {
  for (const lab of world.labs) {
    for (const { pid } of lab.processes) signal(pid, 'SIGCONT');
    await lab.mam('hub', 'status');
  }
  const began = Date.now();
  const due = began + REST_MS;
  const open = () =>
    world.orders.flatMap(({ from, to, jobId }) => {
      if (jobId === undefined) return [];
      const { status, reason, home } = world.lab(from).snapshot(jobId);
      const [copy, own] = [lines(world.lab(from), jobId), lines(world.lab(to), jobId)];
      const isWhole = own === undefined ? reason === 'delivery_failed' : own.length === copy?.length;
      if (isFinal(status) && isWhole && (home?.state === 'ended' || home?.state === 'lost')) return [];
      return [
        `${jobId} from ${from} to ${to}: ${status} ${reason} ${JSON.stringify(home)}, ${copy?.length} of ${own?.length}`,
      ];
    });
  let last = 0;
  while (Date.now() < due) {
    if (open().length === 0 && world.files.length === 0 && running(world) === 0) break;
    if (Date.now() - last > CANCEL_MS) {
      last = Date.now();
      for (const { from, jobId } of world.orders)
        if (
          jobId !== undefined &&
          !isFinal(world.lab(from).snapshot(jobId).status) &&
          Date.now() - began > PATIENT_MS
        )
          await world.ask(from, 'cancel_job', { job_id: jobId, reason: 'the run is over' }, 'second');
    }
    await pause(200);
  }
  say(`at rest after ${Math.round((Date.now() - began) / 1000)} s`);
  const rest = open().map((what) => `restless: ${what}`);
  for (const agents of world.agents.values())
    for (const { pid, isAlive } of agents) if (isAlive) signal(pid, 'SIGKILL');
  return rest;
}

function running({ waiting }: HostsWorld): number {
  return waiting.filter(({ running: { child } }) => child.exitCode === null && child.signalCode === null)
    .length;
}

function summary(world: HostsWorld, found: string[]): void {
  const outcomes = new Map<string, number>();
  for (const { outcome } of world.orders) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  say(`faults: ${[...world.faults].map(([name, times]) => `${times} ${name}`).join(', ')}`);
  say(
    `orders: ${[...outcomes].map(([name, times]) => `${times} ${name}`).join(', ')}; commands that waited: ${world.waiting.length}; violations: ${found.length}`,
  );
  for (const what of found.slice(0, SHOWN_AT_MOST)) say(`  ${what.slice(0, SHOWN)}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
