import { pause } from '../../support/until.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

/** Something that goes wrong. */
export interface Fault {
  name: string;
  /** How often it is chosen, relative to the others. */
  share: number;
  /** Why it can't be caused here; absent if it can. */
  missing?: (world: World) => string | undefined;
  /**
   * Causes it and, after a time, reverts it.
   * @param hold lets it last this long (ms), while something else may go wrong as well
   * @returns what was done, or nothing if there was no target
   */
  make(world: World, random: Random, hold: (ms: number) => Promise<void>): Promise<string | undefined>;
}

/** A hold during which nothing else happens. */
export const quietly = (ms: number): Promise<void> => pause(ms);
