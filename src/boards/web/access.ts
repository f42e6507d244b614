import { createHash, randomBytes } from 'node:crypto';

/** A browser that was let in: what its cookie holds, and the path that the cookie is bound to. */
export interface Session {
  cookie: string;
  /** Such as `/k3f9…/`: cookies do not know ports, so a server of another user on another port must not learn it. */
  path: string;
}

export const COOKIE = 'mam';
const SECRET_BYTES = 32;
const PATH_BYTES = 16;
/** More browsers than anyone has; the one that came first has to enter again. */
const MAX_SESSIONS = 50;
const ENTER = '/enter/';

/**
 * Who may use the page: whoever brings the token of the printed address, once, and then the browser with the cookie that
 * it was exchanged for. Only hashes are compared, so that the time of a comparison says nothing about a secret.
 */
export class Access {
  #token: string | undefined;
  /** By path: the hash of the session's cookie. */
  readonly #sessions = new Map<string, string>();

  /** Makes the path with a new token; an earlier one that was not used is void. */
  newEntrance(): string {
    const token = secret(SECRET_BYTES);
    this.#token = hash(token);
    return `${ENTER}${token}`;
  }

  /** True for the path of an address that was printed, now or earlier. */
  isEntrance(path: string): boolean {
    return path.startsWith(ENTER);
  }

  /** Exchanges the token in a path for a session. @returns undefined for one that is wrong or used */
  enter(path: string): Session | undefined {
    if (this.#token === undefined || hash(path.slice(ENTER.length)) !== this.#token) return undefined;
    this.#token = undefined;
    const session = { cookie: secret(SECRET_BYTES), path: `/${secret(PATH_BYTES)}/` };
    this.#sessions.set(session.path, hash(session.cookie));
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size > MAX_SESSIONS) this.#sessions.delete(oldest);
    return session;
  }

  /** The path of the session that a request belongs to; undefined if its cookie is not that session's. */
  pathOf(path: string, cookies = ''): string | undefined {
    const own = path.slice(0, path.indexOf('/', 1) + 1);
    const kept = this.#sessions.get(own);
    const held = cookies.split(/; */).some((one) => {
      const [name, value = ''] = one.split('=', 2);
      return name === COOKIE && hash(value) === kept;
    });
    return held ? own : undefined;
  }
}

function secret(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
