import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { until } from '../support/until.ts';

const ID = 'e0af3594-25d4-4082-bf02-b4ed63fa2183';
const NOT_IDS = [
  '--help',
  '-p',
  '; rm -rf x',
  '$(x)',
  '',
  'x'.repeat(10_240),
  `${ID}\n--help`,
  `\u001b[31m${ID}`,
];

/** A peer whose pane runs the hook of Claude Code with each of these inputs, once each is there. */
async function hooked(lab: Lab) {
  const line = `while :; do [ -e go.json ] && { '${process.execPath}' '${PROGRAM}' hook claude-code UserPromptSubmit < go.json; rm go.json; }; [ -e over ] && exit; sleep 0.02; done`;
  const script = lab.write('hooks.sh', `${line}\n`);
  const peer = await lab.startPeer('mute', { args: ['--hook', `sh ${script}`] });
  const tell = async (input: object) => {
    // By rename: a file that is there is whole.
    lab.write('next.json', JSON.stringify(input));
    renameSync(join(lab.project, 'next.json'), join(lab.project, 'go.json'));
    await until('the hook has run', () => !existsSync(join(lab.project, 'go.json')));
  };
  return { peer, tell };
}

test('what no agent calls a conversation is none, and one with a long path is still known', async ({
  lab,
}) => {
  const server = await lab.startServer();
  const { peer, tell } = await hooked(lab);
  const { job_id } = await server.delegate(peer);
  const prompt = `Job ${job_id} was delegated to you`;
  const hostile = (session_id: string) => tell({ session_id, transcript_path: '/etc/passwd', prompt });
  for (const id of NOT_IDS) await hostile(id);
  expect(lab.record(job_id).conversation).toBeUndefined();
  await tell({
    session_id: ID,
    transcript_path: `/${'a"/'.repeat(1_300)}`,
    prompt,
    model: 'm\u001b[31m'.repeat(999),
  });
  const { conversation } = lab.record(job_id);
  expect(conversation).toMatchObject({ agent: 'claude-code', id: ID, from: 0 });
  expect(conversation?.transcript).toBeUndefined();
  lab.write('over', '');
  await server.ask('cancel_job', { job_id });
});

test('the printed command opens the conversation in its folder, from anywhere, and no second time', async ({
  lab,
}) => {
  const server = await lab.startServer();
  const { peer, tell } = await hooked(lab);
  const workdir = join(lab.project, 'Über uns');
  mkdirSync(workdir);
  const transcript_path = lab.write('conversation.jsonl', '');
  const take = async () => {
    const { job_id } = await server.delegate(peer, { workdir });
    await tell({ session_id: ID, transcript_path, prompt: `Job ${job_id} was delegated to you` });
    return job_id as string;
  };
  // A second job of the same conversation.
  const first = await take();
  await lab.mam('publish', '--job', first, '--event', 'error', '--detail', 'No nails.');
  const job = await take();
  const path = `${lab.folder}/bin:${process.env['PATH']}`;
  const resume = (...args: string[]) =>
    lab.start(['start', 'claude-code', '--resume', ...args], { env: { PATH: path }, cwd: '/' }).ended;
  expect((await resume(job)).stderr).toContain('is still running');
  expect((await resume('nosuch')).stderr).toContain('There is no job with this id: nosuch');
  await lab.tmux('kill-pane', '-t', peer.pane);
  await server.ask('wait_job', { job_id: job });
  expect((await lab.mam('status', job)).stdout).toContain(`mam start claude-code --resume ${job}`);
  rmSync(workdir, { recursive: true });
  const gone = (await resume(job)).stderr;
  expect(gone).toContain(`The folder of job ${job} is gone`);
  expect(gone).not.toContain('--workdir');
  mkdirSync(workdir);

  mkdirSync(join(lab.folder, 'bin'));
  lab.sessions.add('claude');
  lab.expected.push(/^seen\.args$/, /^bin\/claude$/, /^h\/agents\//);
  const seen = join(lab.folder, 'seen.args');
  const note = `printf '%s\n' "$PWD" "$@" > '${seen}'`;
  writeFileSync(join(lab.folder, 'bin/claude'), `#!/bin/sh\n${note}\nstty raw -echo\nexec sleep 1000\n`, {
    mode: 0o755,
  });
  // Its screen stays empty, so that it is still being started.
  const started = resume(job);
  await until('its program runs', () => existsSync(seen));
  expect(readFileSync(seen, 'utf8').split('\n').slice(0, 3)).toEqual([workdir, '--resume', ID]);
  for (const one of [job, first])
    expect((await resume(one, '--name', 'other')).stderr).toContain(`${one} is being opened already`);
  await lab.tmux('kill-session', '-t', 'claude');
  expect((await started).code).not.toBe(0);
});
