import type { Surroundings } from '../install/client.ts';
import type { Settings } from '../settings/config.ts';
import type { Area, Found } from './finding.ts';
import type { Programs } from './programs.ts';

/** What every check is given. */
export interface Place {
  env: Surroundings['env'];
  cwd: string;
  /** MAM_HOME. */
  home: string;
  /** Undefined when they can't be read, which is a finding of its own. */
  settings: Settings | undefined;
  /** Why they can't be read. */
  refused: unknown;
  /** `--registry-dir` */
  registryFlag: string | undefined;
  /** What the files of the clients have to know. */
  around: Surroundings;
  programs: Programs;
}

/** Looks at one thing and changes nothing. */
export interface Check {
  name: string;
  area: Area;
  /** After this time its findings are not waited for any longer, in ms. */
  limitMs: number;
  /** @param signal aborted when its time is over: whatever it has begun must end then */
  look(place: Place, signal: AbortSignal): Promise<Found[]>;
}

/** For a check that means nothing without settings. */
export function withSettings(
  look: (settings: Settings, place: Place, signal: AbortSignal) => Promise<Found[]>,
): Check['look'] {
  return async (place, signal) => (place.settings === undefined ? [] : look(place.settings, place, signal));
}
