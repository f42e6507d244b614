import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

/** Starts slowly, then switches to raw mode, and so discards what its terminal has echoed until then. */
const LATE = `
import os, sys, termios, time, tty
time.sleep(1.5)
tty.setraw(0, termios.TCSAFLUSH)
os.write(1, b"\\x1b[?2004hgo> ")
with open(sys.argv[1], "wb", buffering=0) as log:
    while True:
        data = os.read(0, 4096)
        log.write(data)
        os.write(1, data.replace(b"\\x1b[200~", b"").replace(b"\\x1b[201~", b"").replace(b"\\r", b"\\x1b[2J\\x1b[Hgo> "))
`;

test('an order for a program that starts slowly and has no ready pattern is not typed before it reads keys', async ({
  lab,
  server,
}) => {
  const log = join(lab.folder, 'late.log');
  lab.expected.push(/^late\.log$/);
  lab.sessions.add('late');
  lab.configure({ agents: { late: { session: 'tmux:late', command: ['python3', '-c', LATE, log] } } });
  const job = { prompt: 'Mend the roof', agent: 'late', start: true };
  const { job_id: id } = await server.ask('delegate_job', job);
  await until('it has its order', () => lab.types(id).includes('submitted'));
  await until('its program has read it', () => readFileSync(log, 'utf8').includes(id));
  // The shell that starts it may be seen before that.
  const blocked = lab.events(id).filter(({ type }) => type === 'blocked');
  expect(JSON.stringify(blocked)).toContain('line mode');
  await server.ask('cancel_job', { job_id: id });
  await server.ask('stop_agent', { name: 'late' });
});
