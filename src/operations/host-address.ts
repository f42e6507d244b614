import { MamError } from '../base/errors.ts';
import { someOf } from '../base/text.ts';

/** How many hosts an error names. */
const NAMED = 8;
/** A name that cannot be one is cut to this many characters. */
const NAME_CHARS = 60;

/** The hosts that this one knows, and its own name. */
export interface KnownHosts {
  readonly host: string;
  readonly hosts: Readonly<Record<string, unknown>>;
}

/** A session, and the other host that it is on. */
export interface Address {
  /** Absent: this host. */
  host?: string | undefined;
  /** The session as that host names it. */
  session?: string | undefined;
}

/**
 * The host and the session that a caller means: by a host of its own, or by `SESSION@HOST`. The last `@` counts, and only if
 * what follows is one of `hosts`: tmux allows `@` in the names of sessions.
 * @throws MamError `not_found` for a host that is not among `hosts`, `bad_input` for two different ones
 */
export function addressOf(
  { host: named, session }: Address,
  known: KnownHosts,
  what = 'agent_session',
): Address {
  const at = session?.lastIndexOf('@') ?? -1;
  const suffix = at < 0 ? undefined : session?.slice(at + 1);
  const isHost = suffix !== undefined && Object.hasOwn(known.hosts, suffix);
  const rest = isHost ? session?.slice(0, at) : session;
  if (named !== undefined && isHost && named !== suffix)
    throw new MamError(
      'bad_input',
      `host is ${named}, but ${what} names the host ${suffix}.`,
      'Give one of them.',
    );
  const host = named ?? (isHost ? suffix : undefined);
  if (host === undefined || host === known.host) return { session: rest };
  checkHost(host, known);
  return { host, session: rest };
}

/** @throws MamError `not_found` for a host that is not among `hosts` */
function checkHost(host: string, { hosts }: KnownHosts): void {
  if (!Object.hasOwn(hosts, host)) throw unknownHost(host, Object.keys(hosts));
}

/** The error for a host that `hosts` does not name. @param names those that can be asked */
export function unknownHost(host: string, names: readonly string[]): MamError {
  const known = names.length === 0 ? 'It names no other host.' : `It names ${someOf(names, NAMED)}.`;
  return new MamError(
    'not_found',
    `There is no host ${JSON.stringify(host.slice(0, NAME_CHARS))} in hosts of MAM_HOME/config.json.`,
    `${known} Name a host there to ask it.`,
  );
}
