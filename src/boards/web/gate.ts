import type { IncomingMessage } from 'node:http';

/** Why a request is not answered: its HTTP status, and a sentence. */
export interface Refused {
  status: number;
  why: string;
}

/**
 * The names of this machine itself. A page of a stranger that has its own name point here (DNS rebinding) is asked for
 * under that name, so it stays outside; the port may be any, because `ssh -L` may use another one.
 */
const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;
const METHODS = ['GET', 'POST'];

/** What is wrong with a request before anyone looks at who sends it; undefined if nothing is. */
export function refusalOf({ method = '', headers }: IncomingMessage): Refused | undefined {
  const { host = '', origin } = headers;
  if (!LOOPBACK.test(host))
    return {
      status: 403,
      why: 'This page is only for this machine: use the address that mam web printed, with 127.0.0.1 or localhost.',
    };
  if (!METHODS.includes(method)) return { status: 405, why: 'Only GET and POST are supported.' };
  const site = headers['sec-fetch-site'];
  const own = `http://${host}`.toLowerCase();
  if (method === 'GET') {
    const dest = headers['sec-fetch-dest'];
    // Only a browser's own page: no frame, no script, no picture of another page.
    if (dest !== undefined && dest !== 'document')
      return { status: 403, why: 'This page cannot be part of another page.' };
    return undefined;
  }
  if (origin?.toLowerCase() !== own || (site !== undefined && site !== 'same-origin'))
    return { status: 403, why: 'Only the page itself may ask for this.' };
  if (headers['content-type'] !== 'application/json')
    return { status: 415, why: 'Only application/json is accepted.' };
  return undefined;
}
