import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { blocks, lineWith, read, shellCommands } from './markdown.ts';
import { FAKE, testWith } from './written.ts';

const test = testWith();

test("questions and permissions, a person's reports, and the demo's peer as an agent", async ({ lab }) => {
  const peer = await lab.startPeer('mute');
  const [server, reporter] = [await lab.startServer(), await lab.startPeerServer()];
  const { job_id: jobId } = await server.delegate(peer);

  await reporter.report(jobId, 'question', { detail: 'Slate or tin?' });
  await lab.type(lineWith('docs/jobs.md', 'mam answer', 'Slate'));
  await peer.gets(2, 2);
  // A line whose submission is not recorded yet counts as unread, and the next message needs none.
  const submitted = () => lab.types(jobId).filter((type) => type === 'submitted').length;
  await until('its submission is recorded', () => submitted() === 2);
  expect(peer.pastes[1]).toContain('there is something for you to read');
  await reporter.report(jobId, 'permission_required', { detail: 'rm the old roof' });
  await lab.type(lineWith('docs/jobs.md', 'mam allow'));
  expect(lab.record(jobId).requests.at(-1)).toMatchObject({ decision: 'allow', decided_by: 'person' });
  await peer.gets(3, 3);
  await reporter.report(jobId, 'completed');

  const person = await server.ask('delegate_job', { prompt: 'Bring the key', agent: 'human' });
  await lab.type(lineWith('docs/agents.md', 'mam done').replace('JOB_ID', person.job_id));
  expect(lab.record(person.job_id)).toMatchObject({
    status: 'completed',
    detail: 'The key is on the board.',
  });

  lab.sessions.add('stand-in');
  await lab.type(lineWith('docs/jobs.md', 'new-session', 'stand-in'));
  // What is typed before it has drawn its box is lost, and taken for submitted.
  const shown = () => lab.tmux('capture-pane', '-p', '-t', '=stand-in:');
  await until('it has drawn its box', async () => (await shown()).includes('demo peer'));
  expect(await lab.type(lineWith('docs/jobs.md', 'mam submit', 'stand-in'))).toContain(
    'hello.txt says: Hello',
  );
  expect(readFileSync(join(lab.project, 'hello.txt'), 'utf8')).toBe('Hello\n');
  // Without a terminal it says what to type.
  await expect(lab.type(lineWith('docs/jobs.md', 'mam attach'))).rejects.toThrow(
    /attach -t (?:%\d+|'=stand-in')/,
  );
});

test('the kind of docs/agents.md is started, works and ends', async ({ lab }) => {
  lab.sessions.add('my-agent');
  const page = 'docs/agents.md';
  const kind = blocks(read(page)).find(({ text }) => text.includes('"my-agent"'));
  lab.configure(kind?.text ?? '');
  expect(await lab.type(lineWith(page, 'mam start', 'my-agent'))).toContain(
    'my-agent is ready in tmux:my-agent',
  );
  expect(await lab.type(lineWith(page, 'mam agents'))).toMatch(/^my-agent\ttmux:my-agent %\d+\tidle/);
  const server = await lab.startServer();
  await lab.tmux('send-keys', '-l', '-t', '=my-agent:', 'half a thought');
  await until('the draft is seen', async () => /\tdraft /.test(await lab.type('mam agents')));
  // A pane that a user respawns would hold a program of his own.
  await lab.type(lineWith(page, 'mam stop'));
  await lab.type(lineWith(page, 'mam start', 'my-agent'));
  const { job_id: jobId } = await server.ask('delegate_job', { prompt: 'Mend it', agent: 'my-agent' });
  expect((await server.ask('wait_job', { job_id: jobId })).jobs[0].status).toBe('completed');
  expect(await lab.type(lineWith(page, 'mam stop'))).toContain('ended: tmux:my-agent');
});

test('a job is delegated from a shell, listed and looked up', async ({ lab }) => {
  // The fake peer plays Codex, and runs already.
  lab.configure({ agents: { codex: FAKE } });
  lab.write('check.sh', '#!/bin/sh\n', 0o755);
  await lab.startPeer('good', { session: 'codex' });
  const submitted = await lab.type(lineWith('docs/jobs.md', 'mam submit', '--validate'));
  expect(submitted).toMatch(/^registered job: [a-z0-9]{8}-fix-the-login-test\n/);
  expect(submitted).toMatch(/\nvalidation: PASS\n\/\S+\/[a-z0-9]{8}-fix-the-login-test\n$/);
  const [list = ''] = shellCommands(read('docs/jobs.md')).filter((line) => line === 'mam list');
  expect(await lab.type(list)).toMatch(/^\w{8}-fix-the-login-test\tcompleted/);
  expect(await lab.type(lineWith('docs/jobs.md', 'mam logs'))).toContain('peer codex      started');
});

testWith(['codex'])('an agent is started with a model, variables and arguments', async ({ lab }) => {
  lab.configure({ agents: { codex: FAKE } });
  lab.write('keys.env', "# mine\nexport MY_KEY='s3cret'\n");
  lab.sessions.add('reviewer');
  const line = lineWith('docs/agents.md', '--env-file').replace('~/', `${lab.project}/`);
  expect(await lab.type(line)).toContain('codex is ready in tmux:reviewer');
  expect(await lab.tmux('show-environment', '-t', '=reviewer:', 'MY_KEY')).toBe('MY_KEY=s3cret');
  await lab.type('mam stop reviewer');
});
