import type { Supervisor } from './record.ts';

/** A client session that asks for its own jobs, and the pane that it runs in. */
export interface Owner {
  session: string;
  /** As `Supervisor.place`. */
  place?: string | undefined;
  /** As `Supervisor.host`: two hosts may have sessions of one name. */
  host?: string | undefined;
}

/** True for a job's supervisor: the same session, or another session in the same pane. */
export function isOwner(
  { session, place, host }: Pick<Supervisor, 'session' | 'place' | 'host'>,
  owner: Owner,
): boolean {
  return host === owner.host && (session === owner.session || (place !== undefined && place === owner.place));
}
