import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { COOKIE, type Session } from './access.ts';

/** Nothing may be loaded, framed, sent anywhere else or kept. */
const STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
const HTML = { ...HEADERS, 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': STRICT };

/** The page, and the policy under which exactly its own script and its own style run. */
export interface Page {
  html: string;
  policy: string;
}

/** @param html with one `<style>`, one `<script>` and a picture as data */
export function pageOf(html: string): Page {
  const hash = (tag: string): string => {
    const text = new RegExp(`<${tag}>([\\s\\S]*)</${tag}>`).exec(html)?.[1] ?? '';
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  };
  const own = `script-src ${hash('script')}; style-src ${hash('style')}; connect-src 'self'; img-src data:`;
  return { html, policy: `${STRICT}; ${own}; require-trusted-types-for 'script'; trusted-types 'none'` };
}

export function sendPage(response: ServerResponse, { html, policy }: Page): void {
  response.writeHead(200, { ...HTML, 'Content-Security-Policy': policy }).end(html);
}

/**
 * Lets a browser in, and takes the token out of its address bar. Not by a status of 303: after a link from elsewhere (a
 * file, a chat), a browser would follow that without the cookie, which is for navigations from here only.
 */
export function sendIn(response: ServerResponse, { cookie, path }: Session): void {
  response
    .writeHead(200, {
      ...HTML,
      'Set-Cookie': `${COOKIE}=${cookie}; Path=${path}; HttpOnly; SameSite=Strict`,
      Refresh: `0; url=${path}`,
    })
    .end(plain('mam', `<p><a href="${path}">Continue</a></p>`));
}

/** A page of one sentence for a person. @param why our own words */
export function sendSentence(response: ServerResponse, status: number, why: string): void {
  const allow = status === 405 ? { Allow: 'GET, POST' } : {};
  response.writeHead(status, { ...HTML, ...allow }).end(plain('mam', `<p>${why}</p>`));
}

export function sendJson(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

/** Begins a stream of server-sent events. */
export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
  response.flushHeaders();
}

function plain(title: string, body: string): string {
  const view = '<meta name="viewport" content="width=device-width, initial-scale=1">';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${view}<title>${title}</title></head><body>${body}</body></html>\n`;
}
