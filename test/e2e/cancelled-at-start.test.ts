import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { robotKind } from '../support/robots.ts';
import { until } from '../support/until.ts';

test('a job that is cancelled while its agent is being started keeps nobody from the session', async ({
  lab,
}) => {
  const [begun, go] = ['begun', 'go'].map((name) => join(lab.project, name));
  // A tmux that takes its time with this session.
  const waits = `touch '${begun}'; until test -e '${go}'; do sleep 0.05; done`;
  const script = `#!/bin/sh\ncase "$*" in *'-s robot'*) ${waits};; esac\nPATH=\${PATH#*:} exec tmux "$@"\n`;
  lab.write('bin/tmux', script, 0o755);
  const env = { PATH: `${lab.project}/bin:${lab.env['PATH']}` };
  lab.configure({ agents: { robot: { ...robotKind(lab), session: 'tmux:robot' } } });
  lab.sessions.add('robot');
  const words = ['--agent', 'robot', '--start', '--no-wait'];
  const submitted = lab.start(['submit', 'Mend the roof', ...words], { env });
  await until('the session is being made', () => existsSync(begun as string));
  const [first = ''] = lab.jobIds();
  expect((await lab.mam('cancel', first)).code).toBe(0);
  lab.write('go', '');
  await submitted.ended;

  const { job_id: next } = await lab.json('submit', 'Paint it', ...words);
  await until('the next one is done', () => lab.record(next).status === 'completed');
  expect(lab.record(first).status).toBe('cancelled');
  expect(lab.types(first)).not.toContain('submitted');
});
