import { pause } from '../../support/until.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { disks } from './disks.ts';
import { type Fault, quietly } from './fault.ts';
import { flood } from './flood.ts';
import { others } from './others.ts';
import { person } from './person.ts';
import { reboot } from './reboot.ts';
import { removals } from './removals.ts';
import { signals } from './signals.ts';
import { tears } from './tears.ts';

const FAULTS: Fault[] = [...signals, ...disks, ...tears, ...removals, ...others, ...person, flood, reboot];
/** What may happen in the middle of another fault. */
const SHARP = signals.filter(({ name }) => !name.endsWith('stopped'));

/** Which faults may happen, by name: only some, or all but some. */
export interface Choice {
  only: string[];
  without: string[];
}

export const ALL: Choice = { only: [], without: [] };

/** Causes one fault after another until the time is over; all are reverted when this resolves. */
export async function raise(
  world: World,
  random: Random,
  until: number,
  { only, without }: Choice,
): Promise<void> {
  const names = FAULTS.map(({ name }) => name);
  const unknown = [...only, ...without].find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`There is no fault ${unknown}. There are: ${names.join(', ')}.`);
  const skipped = FAULTS.flatMap(({ name, missing }) => (missing?.(world) === undefined ? [] : [name]));
  const possible = FAULTS.filter(
    ({ name }) =>
      !skipped.includes(name) && !without.includes(name) && (only.length === 0 || only.includes(name)),
  );
  const hold = async (ms: number): Promise<void> => {
    await pause(ms * random.next());
    if (only.length === 0 && random.chance(0.4)) await make(world, pick(SHARP, random), random, quietly);
    await pause(ms * random.next());
  };
  while (Date.now() < until && !world.over) {
    await pause(random.whole(100, 1_200));
    await make(world, pick(possible, random), random, hold);
  }
}

/** The faults that can't be caused here, and why. */
export function impossible(world: World): string[] {
  const missing = FAULTS.flatMap(({ name, missing }) => {
    const why = missing?.(world);
    return why === undefined ? [] : [`${name} (${why})`];
  });
  return world.mounts.boot ? missing : [...missing, 'a new boot id (nothing can be mounted here)'];
}

async function make(
  world: World,
  { name, make }: Fault,
  random: Random,
  hold: (ms: number) => Promise<void>,
): Promise<void> {
  const began = Date.now();
  world.ledger.note(`begins: ${name}`);
  try {
    const what = await make(world, random, hold);
    if (what !== undefined) world.ledger.fault(name, `${what}, ${Date.now() - began} ms`);
  } catch (error) {
    // Its file was already gone, or the disk is full.
    world.ledger.note(`could not be made: ${name}`, { error: (error as Error).message });
  }
}

function pick(faults: readonly Fault[], random: Random): Fault {
  const shares = Object.fromEntries(faults.map(({ name, share }) => [name, share]));
  const chosen = random.weighted(shares);
  return faults.find(({ name }) => name === chosen) as Fault;
}
