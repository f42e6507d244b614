import { explain, MamError } from '../base/errors.ts';

/** What the findings are grouped by, in the order in which they are shown. */
export const AREAS = {
  program: 'Program',
  tmux: 'tmux',
  home: 'Files of the hub',
  settings: 'Settings',
  hub: 'Hub',
  broker: 'Broker',
  hosts: 'Other hosts',
  registry: 'Registry',
  clients: 'Clients',
  agents: 'Agents',
} as const;
export type Area = keyof typeof AREAS;

/** A problem keeps something from working; a note is worth knowing, and can wait. */
export type Level = 'ok' | 'note' | 'problem';

/** One result of a check, for people and for programs. */
export interface Finding {
  /** Stays the same from version to version, such as `tmux.socket`. */
  id: string;
  area: Area;
  level: Level;
  /** One sentence. */
  title: string;
  /** Lines that explain it. */
  detail?: string;
  /** What to do, as a sentence or two with the command to type; every note and every problem has one. */
  remedy?: string;
}

/** What a check finds; the area is that of the check. */
export type Found = Omit<Finding, 'area'>;

export function ok(id: string, title: string, detail?: string): Found {
  return { id, level: 'ok', title, ...(detail !== undefined && { detail }) };
}

export function note(id: string, title: string, remedy: string, detail?: string): Found {
  return { ...ok(id, title, detail), level: 'note', remedy };
}

export function problem(id: string, title: string, remedy: string, detail?: string): Found {
  return { ...ok(id, title, detail), level: 'problem', remedy };
}

/** A failure as a problem. @param otherwise what to do if the error does not say */
export function failure(id: string, error: unknown, otherwise = ''): Found {
  const { message, hint } = error instanceof MamError ? error : new MamError('internal', explain(error));
  return problem(id, message, hint || otherwise);
}
