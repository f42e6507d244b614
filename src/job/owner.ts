import type { Supervisor } from './record.ts';

/** Who asks for jobs of their own: a client session, and the pane that it lives in. */
export interface Owner {
  session: string;
  /** As `Supervisor.place`. */
  place?: string | undefined;
}

/** True for the supervisor of a job: the same session, or the same pane, in which a client may begin a new session. */
export function isOwner({ session, place }: Pick<Supervisor, 'session' | 'place'>, owner: Owner): boolean {
  return session === owner.session || (place !== undefined && place === owner.place);
}
