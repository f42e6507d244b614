import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { robotKind, sessionsIn } from '../support/robots.ts';
import { until } from '../support/until.ts';

/** A tmux that takes its time with sessions whose name begins with `robot-`, until a file is there. */
function slowTmux(lab: Lab): { env: Record<string, string>; begun: () => boolean; go: () => void } {
  const [begun, go] = [join(lab.project, 'begun'), join(lab.project, 'go')];
  const waits = `touch '${begun}'; until test -e '${go}'; do sleep 0.05; done`;
  const script = `#!/bin/sh\ncase "$*" in *'-s robot-'*) ${waits};; esac\nPATH=\${PATH#*:} exec tmux "$@"\n`;
  lab.write('bin/tmux', script, 0o755);
  return {
    env: { PATH: `${lab.project}/bin:${lab.env['PATH']}` },
    begun: () => existsSync(begun),
    go: () => lab.write('go', ''),
  };
}

describe('a new session of a job that is cancelled while it is being made', () => {
  test('is gone before its agent is started, and the next job has its place', async ({ lab }) => {
    lab.configure({ agents: { robot: robotKind(lab) }, max_new_sessions: 1 });
    const { env, begun, go } = slowTmux(lab);
    const words = ['--agent', 'robot', '--new', '--no-wait'];
    const submitted = lab.start(['submit', 'Mend the roof', ...words], { env });
    await until('the session is being made', begun);
    const [first = ''] = lab.jobIds();
    expect((await lab.mam('cancel', first)).code).toBe(0);
    go();
    await submitted.ended;
    const { job_id: next } = await lab.json('submit', 'Paint it', ...words);
    await until('the next one is done', () => lab.record(String(next)).status === 'completed');
    expect(lab.record(first)).toMatchObject({ status: 'cancelled', session_end: { how: 'gone' } });
    expect(readdirSync(lab.folder).filter((name) => name.startsWith('robot-'))).toHaveLength(1);
    expect((await lab.mam('status', String(next))).code).toBe(0);
    await until('no session is left', async () => (await sessionsIn(lab)).length === 0);
  });
});

test('each job that waits for a session says so at once: what is in use, or whose turn is first', async ({
  lab,
  server,
}) => {
  lab.configure({ agents: { robot: robotKind(lab, '--report', 'started') }, max_new_sessions: 2 });
  const job = { prompt: 'Mend it', agent: 'robot', session: 'new' };
  const first = await server.ask('delegate_job', { ...job, max: 1 });
  const others = [];
  // The last would have a session, but has to wait for its turn.
  for (const max of [1, 1, 2]) others.push(await server.ask('delegate_job', { ...job, max }));
  for (const { blocked_by, status } of others)
    expect({ blocked_by, status }).toEqual({ blocked_by: 'pool', status: 'queued' });
  const ids = others.map(({ job_id }) => String(job_id));
  expect(ids.map((id) => lab.record(id).detail)).toEqual([
    ...['1 of 1 are in use.', '1 of 1 are in use.'],
    `It comes after jobs ${ids[0]}, ${ids[1]}.`,
  ]);
  const refused = await server.refusal('delegate_job', { ...job, max: 2, on_busy: 'refuse' });
  expect(refused).toContain('No new session of robot is free now: 3 jobs wait for one.');
  // The last one first: none of them gets its turn meanwhile.
  for (const id of [...ids.reverse(), String(first.job_id)])
    expect((await lab.mam('cancel', id)).code).toBe(0);
  const [session = ''] = await sessionsIn(lab);
  if (session !== '') await lab.mam('stop', session);
  await until('no session is left', async () => (await sessionsIn(lab)).length === 0);
});
