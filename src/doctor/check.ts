import type { Surroundings } from '../install/client.ts';
import type { Settings } from '../settings/config.ts';
import type { Area, Found } from './finding.ts';
import type { Programs } from './programs.ts';

/** What every check gets. */
export interface Place {
  env: Surroundings['env'];
  cwd: string;
  /** MAM_HOME. */
  home: string;
  /** Undefined when they can't be read, which is a finding of its own; `refused` says why. */
  settings: Settings | undefined;
  refused: unknown;
  /** `--registry-dir` */
  registryFlag: string | undefined;
  /** What the clients' files need to know. */
  around: Surroundings;
  programs: Programs;
}

/** Looks at one thing and changes nothing. */
export interface Check {
  name: string;
  area: Area;
  /** How long its findings are waited for, in ms. */
  limitMs: number;
  /** @param signal aborted when its time is over, and whatever it has begun must end */
  look(place: Place, signal: AbortSignal): Promise<Found[]>;
}

/** For a check that means nothing without settings. */
export function withSettings(
  look: (settings: Settings, place: Place, signal: AbortSignal) => Promise<Found[]>,
): Check['look'] {
  return async (place, signal) => (place.settings === undefined ? [] : look(place.settings, place, signal));
}
