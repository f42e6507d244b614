import { pause } from '../../support/until.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

/** Something that goes wrong. */
export interface Fault {
  name: string;
  /** How often it is chosen, against the others. */
  share: number;
  /** Why it can't be made here; absent where it can. */
  missing?: (world: World) => string | undefined;
  /**
   * Makes it and, after a time, takes it back.
   * @param hold lets it last for so long (ms), while something else may go wrong as well
   * @returns what was done, or nothing where there was nobody to do it to
   */
  make(world: World, random: Random, hold: (ms: number) => Promise<void>): Promise<string | undefined>;
}

/** A hold in which nothing else happens. */
export const quietly = (ms: number): Promise<void> => pause(ms);
