import { cpSync, lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endHub } from '../support/lab-end.ts';
import { signal } from '../support/processes.ts';
import { PATIENCE, pause, until } from '../support/until.ts';
import { report } from './actors/reporter.ts';
import { typeCommands } from './actors/shell.ts';
import { supervise } from './actors/supervisor.ts';
import { wait } from './actors/waiter.ts';
import { collectJobs, collectShells } from './collect.ts';
import type { Evidence } from './evidence.ts';
import { ALL, type Choice, impossible, raise } from './nemesis/index.ts';
import { Random } from './random.ts';
import { RULES, violations } from './rules/index.ts';
import { heal, settle } from './settle.ts';
import { HALF_WRITTEN, World } from './world.ts';

/** How much of each violation is printed, in characters. */
const SHOWN = 600;
const SHOWN_OF_RULE = 6;
/** How long a killed hub's session outlives it, in ms. */
const HIDDEN_MS = 6_000 * PATIENCE;

/**
 * One run: everyone works while things go wrong, then all faults are fixed, everything comes to rest, and is checked.
 * @param choice the faults that may happen
 * @returns how many rules were violated
 */
export async function run(seed: number, seconds: number, choice: Choice = ALL): Promise<number> {
  const random = new Random(seed);
  const world = new World(random.fork('world'), {});
  const stop = (): void => {
    world.over = true;
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  say(`lab ${world.lab.folder}, patience ${PATIENCE.toFixed(1)}`);
  const missing = impossible(world);
  if (missing.length > 0) say(`skipped: ${missing.join(', ')}`);
  const evidence = await live(world, random, seconds, choice).catch(async (error: unknown) => {
    // Nothing that was started here may outlive this process.
    heal(world);
    await end(world).catch(() => {});
    world.mounts.end();
    throw error;
  });
  const found = violations(evidence);
  summary(world, evidence, found);
  if (found.length === 0) {
    world.mounts.end();
    rmSync(world.lab.folder, { recursive: true, force: true });
  } else keepEvidence(world, evidence, found);
  process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
  return found.length;
}

async function live(world: World, random: Random, seconds: number, choice: Choice): Promise<Evidence> {
  const over = Date.now() + seconds * 1000;
  const actors = [
    ...['supervisor-1', 'supervisor-2'].flatMap((place) => [
      supervise(world, place, random.fork(place)),
      wait(world, place, random.fork(`${place} waits`)),
    ]),
    ...['reporter-1', 'reporter-2'].map((place) => report(world, place, random.fork(place))),
    typeCommands(world, random.fork('shell')),
  ];
  await raise(world, random.fork('nemesis'), over, choice);
  heal(world);
  const mended = Date.now();
  world.ledger.note('mended');
  world.over = true;
  await Promise.all(actors);
  const settled = await settle(world);
  const rested = Date.now();
  world.ledger.note('at rest', settled);
  const jobs = await collectJobs(world);
  for (const { pid, isAlive } of world.agents) if (isAlive) signal(pid, 'SIGKILL');
  await pause(200);
  const shells = await collectShells(world);
  const left = await end(world);
  return {
    ...{ mended, rested, patience: PATIENCE, jobs, shells, ...settled, left, tears: world.tears },
    told: [...world.ledger.told, ...world.agents.flatMap(({ told }) => told)],
    peers: world.agents.map((agent) => agent.evidence),
  };
}

/** Ends everything. @returns what was left */
async function end({ lab }: World): Promise<string[]> {
  await endHub(lab);
  const hidden = async (): Promise<boolean> =>
    /^_mam-/m.test(await lab.tmux('list-sessions', '-F', '#S').catch(() => ''));
  await until('the hidden sessions end', async () => !(await hidden()), HIDDEN_MS).catch(() => {});
  const problems = await lab.end(true).then(
    () => [],
    (error: Error) => error.message.split('\n').slice(1),
  );
  const files = [lab.home, join(lab.project, '.mam')].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  return [
    ...problems,
    ...files
      .filter((name) => /\.tmp$|\.bad$|\.lock$|\.election$/.test(name) && !HALF_WRITTEN.test(name))
      .map((name) => `file ${name}`),
  ];
}

function summary({ ledger }: World, { told, jobs, peers }: Evidence, found: string[]): void {
  const faults = [...ledger.faults].sort(([a], [b]) => (a < b ? -1 : 1));
  say(`faults: ${faults.map(([name, times]) => `${times} ${name}`).join(', ')}`);
  const reports = told.filter(({ token }) => token !== undefined);
  const count = (holds: (answer: Evidence['told'][number]) => boolean): number =>
    reports.filter(holds).length;
  const acknowledged = count(({ answer }) => answer?.recorded === true);
  const kept = count(({ answer }) => answer?.accepted === true && answer.recorded === false);
  const lost = count(({ outcome }) => outcome === 'lost');
  say(
    `events: ${acknowledged} acknowledged, ${kept} kept, ${reports.length - acknowledged - kept - lost} refused, ${lost} without an answer`,
  );
  const states = Object.values(jobs).map(
    ({ folded }) => `${folded?.status}${folded?.reason === undefined ? '' : ` ${folded.reason}`}`,
  );
  const kinds = [...new Set(states)]
    .sort()
    .map((state) => `${states.filter((one) => one === state).length} ${state}`);
  say(
    `jobs: ${states.length} (${kinds.join(', ')}); ${peers.reduce((sum, { submitted }) => sum + submitted.length, 0)} texts in panes`,
  );
  say(`calls: ${told.length - reports.length}; violations: ${found.length}`);
  for (const rule of Object.keys(RULES)) {
    const broken = found.filter((what) => what.startsWith(`${rule}: `));
    for (const what of broken.slice(0, SHOWN_OF_RULE)) say(`  ${what.slice(0, SHOWN)}`);
    if (broken.length > SHOWN_OF_RULE) say(`  ${rule}: and ${broken.length - SHOWN_OF_RULE} more`);
  }
}

/** The small file systems end with this process, so their content is copied. */
function keepEvidence({ lab, mounts }: World, evidence: Evidence, found: string[]): void {
  const kept = join(lab.folder, 'kept');
  const filter = (path: string): boolean => lstatSync(path).isFile() || lstatSync(path).isDirectory();
  cpSync(lab.home, join(kept, 'home'), { recursive: true, filter });
  cpSync(join(lab.project, '.mam'), join(kept, 'mam'), { recursive: true, filter });
  writeFileSync(join(kept, 'evidence.json'), JSON.stringify(evidence));
  writeFileSync(join(kept, 'violations.txt'), `${found.join('\n')}\n`);
  mounts.end();
  say(`The timeline is ${join(lab.folder, 'faults.jsonl')}, what was left of the jobs is in ${kept}.`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
