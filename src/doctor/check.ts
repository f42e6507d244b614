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
  /** Undefined when they can't be read, which is a separate finding; `refused` says why. */
  settings: Settings | undefined;
  refused: unknown;
  /** `--registry-dir` */
  registryFlag: string | undefined;
  /** What is needed to find the clients' files. */
  around: Surroundings;
  programs: Programs;
}

/** Looks at one thing and changes nothing. */
export interface Check {
  name: string;
  area: Area;
  /** How long to wait for its findings, in ms. */
  limitMs: number;
  /** @param signal aborted when its time is up: everything that it has started must then end */
  look(place: Place, signal: AbortSignal): Promise<Found[]>;
}

/** For a check that needs the settings. */
export function withSettings(
  look: (settings: Settings, place: Place, signal: AbortSignal) => Promise<Found[]>,
): Check['look'] {
  return async (place, signal) => (place.settings === undefined ? [] : look(place.settings, place, signal));
}
