import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { sharing } from '../support/lab-test.ts';
import { freePort, listens } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { type Entered, Web } from '../support/web.ts';

/** One server for all tests; each has a browser session of its own. */
const test = sharing.extend<{ web: Web; own: Entered }>({
  web: [
    async ({ lab }, use) => {
      const web = await Web.start(lab);
      await use(web);
      expect(await web.end()).toBe(0);
    },
    { scope: 'file' },
  ],
  own: async ({ web }, use) => use(await web.enter()),
});

describe('who may enter', () => {
  test('an address lets in one browser, once; then the next is printed', async ({ web }) => {
    const first = (await web.addresses(1)).at(-1) ?? '';
    expect(first).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/enter\/[\w-]{43}$/);
    const path = new URL(first).pathname;
    const answer = await web.ask({ path });
    expect(answer.status).toBe(200);
    const cookie = String(answer.headers['set-cookie']);
    const page = /^mam=[\w-]{43}; Path=(\/[\w-]{22}\/); HttpOnly; SameSite=Strict$/.exec(cookie)?.[1];
    expect(answer.headers['refresh']).toBe(`0; url=${page}`);
    const again = await web.ask({ path });
    expect(again.status).toBe(403);
    expect(again.text).toContain('used already');
    expect(again.headers['set-cookie']).toBeUndefined();
    expect((await web.addresses(2)).at(-1)).not.toBe(first);
  });

  test('the page has strict headers, and only for its own cookie at its own path', async ({ web, own }) => {
    const other = await web.enter();
    const page = await web.ask({ path: own.path, headers: { Cookie: `x=y; ${own.cookie}` } });
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(page.headers['access-control-allow-origin']).toBeUndefined();
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toMatch(/script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'/);
    for (const word of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'none'"])
      expect(policy).toContain(word);
    expect(policy).not.toContain('unsafe');
    const wrong = [{}, { Cookie: other.cookie }, { Cookie: 'mam=' }, { Cookie: `${own.cookie}x` }];
    for (const headers of wrong) {
      const { status, text } = await web.ask({ path: own.path, headers: { ...headers } as never });
      expect(status, JSON.stringify(headers)).toBe(403);
      expect(text).toContain('not valid here');
    }
  });

  test.for([
    '/',
    '/enter/',
    '/enter/../enter/x',
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//x',
    '*',
    'http://evil.test/',
  ])('nothing is at %s', async (path, { web, own }) => {
    const answer = await web.ask({ path, headers: { Cookie: own.cookie } });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('not valid here');
  });

  test('nor behind the page', async ({ web, own }) => {
    for (const path of ['../x', 'x', '..%2f..%2fetc%2fpasswd', 'call/list_jobs'])
      expect((await web.ask({ path: own.path + path, headers: { Cookie: own.cookie } })).status).toBe(404);
  });
});

describe('what a stranger sends', () => {
  test.for([
    'evil.test',
    'evil.test:80',
    '127.0.0.1.evil.test',
    'localhost.evil.test',
    '127.0.0.1@evil.test',
    '0.0.0.0',
    '10.0.0.1',
    'localhost:80:80',
  ])('under the name %s, nothing is answered, with a valid session', async (host, { web, own }) => {
    const headers = { Host: host, Cookie: own.cookie };
    const page = await web.ask({ path: own.path, headers });
    expect(page.status).toBe(403);
    expect(page.text).toContain('only for this machine');
    const call = await web.call(own, 'call/list_jobs', {}, { Host: host, Origin: `http://${host}` });
    expect(call.status).toBe(403);
  });

  test.for(['127.0.0.1:9', 'localhost', 'LOCALHOST:8080', '[::1]:8080'])(
    'under the name %s, as after ssh -L, the page works',
    async (host, { web, own }) => {
      const headers = { Host: host, Origin: `http://${host}` };
      const page = await web.ask({ path: own.path, headers: { Host: host, Cookie: own.cookie } });
      expect(page.status).toBe(200);
      expect((await web.call(own, 'call/list_jobs', {}, headers)).status).toBe(200);
    },
  );

  test('only the page itself acts and listens', async ({ web, own }) => {
    const port = web.port;
    const strangers: Record<string, string>[] = [
      { Origin: 'http://evil.test' },
      { Origin: 'null' },
      { Origin: '' },
      { Origin: `http://127.0.0.1:${port + 1}` },
      { Origin: `http://localhost:${port}` },
      { Origin: `https://127.0.0.1:${port}` },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'none' },
      { Cookie: '' },
    ];
    for (const headers of strangers)
      for (const what of ['call/cancel_job', 'call/list_jobs', 'events', 'look'])
        expect((await web.call(own, what, {}, headers)).status, JSON.stringify(headers)).toBe(403);
    expect((await web.call(own, 'call/list_jobs', {}, { 'Content-Type': 'text/plain' })).status).toBe(415);
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
      const answer = await web.ask({ path: own.path, method, headers: { Cookie: own.cookie } });
      expect(answer.status, method).toBe(405);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    // A page of another site that frames it, or loads it as a script.
    for (const dest of ['iframe', 'script', 'image'])
      expect(
        (await web.ask({ path: own.path, headers: { Cookie: own.cookie, 'Sec-Fetch-Dest': dest } })).status,
      ).toBe(403);
  });

  test('a body has a limit, announced or not, and must be an object', async ({ web, own }) => {
    const huge = 'x'.repeat(70 * 1024);
    expect((await web.call(own, 'call/list_jobs', { agent: huge })).status).toBe(413);
    expect((await web.call(own, 'events', { huge })).status).toBe(413);
    const chunked = await web.call(
      own,
      'call/list_jobs',
      { agent: huge },
      { 'Transfer-Encoding': 'chunked' },
    );
    expect(chunked.status).toBe(413);
    expect((await web.call(own, 'call/list_jobs', [])).status).toBe(400);
    expect((await web.call(own, 'call/no_such_tool', {})).status).toBe(404);
    expect((await web.call(own, 'call/constructor', {})).status).toBe(404);
    const unknown = await web.call(own, 'call/list_jobs', { registry_dir: '/etc' });
    expect(unknown.status).toBe(409);
    expect(JSON.parse(unknown.text).error).toContain('registry_dir');
  });

  test('half-open requests are ended, and others are answered meanwhile', async ({ web, own }) => {
    const halves = ['', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n', 'GET / HTTP/1.1\r\nX: '];
    const ends = halves.map(
      (text) =>
        new Promise<void>((resolve) => {
          const socket = createConnection({ port: web.port, host: '127.0.0.1' });
          socket.on('error', () => {});
          socket.on('close', () => resolve());
          socket.resume();
          socket.write(text);
        }),
    );
    expect((await web.call(own, 'call/list_jobs', {})).status).toBe(200);
    await Promise.all(ends);
  });

  test('garbage is no request', async ({ web }) => {
    const socket = createConnection({ port: web.port, host: '127.0.0.1' });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    void socket.write('\u0000\u0001 nonsense\r\n\r\n');
    await until('it is closed', () => socket.destroyed);
    expect(text).toContain('400');
  });
});

test('only loopback listens, and a taken port is said', async ({ lab }) => {
  const port = await freePort();
  const web = await Web.start(lab, ['--port', String(port)]);
  expect(web.port).toBe(port);
  expect(await listens({ port })).toBe(true);
  const sockets = readFileSync('/proc/net/tcp', 'utf8');
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  expect(sockets).toContain(` 0100007F:${hex} `);
  expect(sockets).not.toContain(` 00000000:${hex} `);
  const second = await lab.mam('web', '--port', String(port));
  expect(second).toMatchObject({ code: 69 });
  expect(second.stderr).toContain(`Port ${port} is in use. Give --port another number`);
  expect(await lab.mam('web', '--port', '70000')).toMatchObject({ code: 64 });
  expect(await web.end()).toBe(0);
});

test('--open keeps the address off every command line', async ({ lab }) => {
  const bin = join(lab.folder, 'bin');
  mkdirSync(bin);
  lab.expected.push(/^bin\//);
  const kept = join(bin, 'kept');
  // What the user's browser is given.
  const opener = join(bin, 'xdg-open');
  writeFileSync(
    opener,
    `#!/bin/sh\necho "$@" > '${kept}.words'\ncat "$1" > '${kept}'\nstat -c %a "$1" >> '${kept}'\n`,
  );
  chmodSync(opener, 0o755);
  const web = await Web.start(lab, ['--open'], { PATH: `${bin}:${lab.env['PATH']}` });
  const [address = ''] = await web.addresses(1);
  await until('it was opened', () => readFileSync(kept, 'utf8').endsWith('600\n'));
  expect(readFileSync(kept, 'utf8')).toContain(`content="0;url=${address}"`);
  expect(readFileSync(`${kept}.words`, 'utf8')).not.toContain('enter');
  const folder = join(lab.home, 'web');
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).toHaveLength(1);
  await web.enter();
  expect(readdirSync(folder)).toEqual([]);
  expect(await web.end()).toBe(0);
});
