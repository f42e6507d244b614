import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Hosts } from '../support/hosts/hosts.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import type { LabServer } from '../support/lab-server.ts';
import { until } from '../support/until.ts';

let world: Hosts;
let two: TwoHosts;
let server: LabServer;

beforeEach(async () => {
  two = await TwoHosts.make();
  world = two.world;
  await two.meet();
  server = await two.a.startServer();
});
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** The jobs in the registry of the delegating host. */
function jobsHere(): string[] {
  return existsSync(two.a.registry)
    ? readdirSync(two.a.registry).filter((name) => /^[a-z][2-9]/.test(name))
    : [];
}

test('the same key is the same job, with any host, and another prompt is refused', async () => {
  const peer = await two.b.startPeer('mute');
  const both = await Promise.all([
    two.delegate(server, peer, { request_key: 'roof' }),
    two.delegate(server, peer, { request_key: 'roof' }),
  ]);
  expect(new Set(both.map(({ job_id }) => job_id)).size).toBe(1);
  expect(both.map(({ repeated }) => repeated).sort()).toEqual([false, true]);
  expect(both[0]).toMatchObject({ host: 'hostb' });
  const again = await two.delegate(server, peer, { request_key: 'roof' });
  expect(again).toMatchObject({ job_id: both[0]?.job_id, repeated: true });
  const other = { prompt: 'Another', agent: 'command', agent_session: `${peer.address}@hostb` };
  expect(await server.refusal('delegate_job', { ...other, request_key: 'roof' })).toMatch(/different prompt/);

  // The next hub finds it by its key as well.
  await two.startHub(two.a);
  await two.a.sees(1);
  expect(await two.delegate(server, peer, { request_key: 'roof' })).toMatchObject({
    job_id: both[0]?.job_id,
    repeated: true,
  });
  expect(jobsHere()).toHaveLength(1);
  await peer.gets(1, 1);
});

test('a prompt of 1 MiB arrives byte for byte, in pieces', async () => {
  const peer = await two.b.startPeer('mute');
  const prompt = '"Größe" 🙂\n\t\\'.repeat(60_000).slice(0, 700_000);
  const { job_id } = await two.delegate(server, peer, { prompt });
  const there = await two.b.json('status', job_id);
  expect(there['prompt_bytes']).toBe(Buffer.byteLength(prompt));
  expect(readFileSync(join(there['registry_dir'], job_id, 'prompt.md'), 'utf8')).toBe(prompt);
});

test('a dry run says what the other host would type, and keeps nothing on either', async () => {
  const peer = await two.b.startPeer('mute');
  const shown = await two.delegate(server, peer, { dry_run: true });
  expect(shown).toMatchObject({ dry_run: true, target: `${peer.address}@hostb` });
  expect(shown['typed_text']).toContain(`${two.b.project}/.mam/jobs/${shown['job_id']}/prompt.md`);
  expect(jobsHere()).toEqual([]);
  const { code, stdout } = await two.a.mam(
    ...['submit', '--prompt', 'Mend the roof', '--agent', 'command', '--dry-run'],
    ...['--agent-session', peer.address, '--host', 'hostb'],
  );
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${peer.address}@hostb`),
  });
  expect(peer.pastes).toEqual([]);
});

test('what the other host refuses is said in its words, and leaves nothing here', async () => {
  const job = { prompt: 'x', agent: 'command', host: 'hostb' };
  expect(await server.refusal('delegate_job', { ...job, agent_session: 'tmux:secret' })).toMatch(
    /^on hostb: Your host may not use this session/,
  );
  const folder = await server.refusal('delegate_job', {
    ...job,
    agent_session: 'tmux:mute',
    workdir: '/etc',
  });
  expect(folder).toMatch(/^on hostb: Your host may not use this working folder/);
  expect(await server.refusal('delegate_job', { ...job, workdir: 'src' })).toMatch(/absolute path on hostb/);
  expect(await server.refusal('delegate_job', { ...job, host: 'hostx' })).toMatch(/hostb/);
  expect(await server.refusal('delegate_job', { ...job, trust_pane: true })).toMatch(/no effect on hostb/);
  expect(jobsHere()).toEqual([]);
});

test('a host that is away is not asked, and nothing is kept or changed', async () => {
  const peer = await two.b.startPeer('mute');
  const { job_id } = await two.delegate(server, peer);
  await two.b.mam('hub', 'stop');
  await two.a.sees(0);
  const job = { prompt: 'x', agent: 'command', host: 'hostb', agent_session: peer.address };
  expect(await server.refusal('delegate_job', job)).toMatch(
    /hostb is offline since \d{4}-\d\d-\d\d \d\d:\d\d[.:]/,
  );
  for (const [tool, args] of [
    ['answer_job', { text: 'yes' }],
    ['cancel_job', {}],
    ['verify_job', {}],
  ] as const)
    expect(await server.refusal(tool, { job_id, ...args })).toMatch(
      /hostb is offline since .*; nothing was changed/,
    );
  // What is known here is still shown.
  const logs = await server.ask('job_logs', { job_id, include: ['screen'] });
  expect(logs['screen_missing']).toMatch(/hostb is offline since/);
  expect(jobsHere()).toEqual([job_id]);
  const { code, stderr } = await two.a.mam('cancel', job_id);
  expect({ code, stderr }).toMatchObject({
    code: 69,
    stderr: expect.stringContaining('nothing was changed'),
  });

  const forgotten = await two.a.mam('cancel', job_id, '--forget');
  expect(forgotten).toMatchObject({ code: 0, stdout: expect.stringContaining('was given up') });
  expect(forgotten.stdout).toContain('if hostb comes back, the job is followed again');
  expect(await two.a.json('status', job_id)).toMatchObject({ home: { state: 'lost' } });
  // Its copy is removed like any job that is over.
  await until('it is pruned', async () => {
    const { stdout } = await two.a.mam('prune', '--older-than', '0s');
    return stdout.includes('Pruned 1 job');
  });
  expect(jobsHere()).toEqual([]);
});

test('answers, decisions, screens and checks reach the job where it is', async () => {
  const script = join(two.b.project, 'check.sh');
  writeFileSync(script, 'echo checked on hostb\nexit 3\n');
  two.b.expected.push(/^p\/check\.sh$/);
  two.b.configure({
    hosts: {
      hosta: {
        may: {
          delegate: true,
          workdirs: [two.b.project],
          sessions: ['tmux:mute'],
          validate: [two.b.project],
        },
      },
    },
  });
  const peer = await two.b.startPeer('mute');
  const { job_id } = await two.delegate(server, peer, { validate: script });
  const reporter = await two.b.startPeerServer();
  await reporter.report(job_id, 'started');
  await reporter.report(job_id, 'question', { detail: 'Tiles or thatch?' });
  const asked = await server.ask('wait_job', { job_id, timeout_seconds: 30 });
  expect(asked.jobs).toMatchObject([{ job_id, status: 'input_required', reason: 'question' }]);

  const answered = await server.ask('answer_job', { job_id, text: 'Tiles' });
  expect(answered).toMatchObject({ job_id, home: { host: 'hostb' } });
  expect(answered['messages'][0]).toMatch(/Tiles$/);
  expect(await reporter.report(job_id, 'progress', { detail: 'on it' })).toMatchObject({
    messages: [expect.stringMatching(/Tiles$/)],
  });

  const logs = await server.ask('job_logs', { job_id, include: ['screen'] });
  expect(logs).toMatchObject({ screen_live: true });
  expect(JSON.stringify(logs['screen'])).toContain('READY>');

  const verified = await server.ask('verify_job', { job_id });
  expect(verified).toMatchObject({ passed: false, exit_code: 3, status: 'working' });
  expect(verified['output_tail']).toContain('checked on hostb');
  expect(await server.refusal('verify_job', { job_id, validate: '/bin/true' })).toMatch(
    /only its own script/,
  );

  // A program of this name here is another one.
  const byHand = await two.a.mam('verify', job_id);
  expect(byHand).toMatchObject({ code: 3, stderr: '' });
  expect(byHand.stdout).toBe('checked on hostb\nvalidation: FAIL (exit 3)\n');
  const verdicts = two.b.events(job_id).filter(({ type }) => type === 'verified');
  expect(verdicts.map(({ source }) => source)).toEqual(['supervisor', 'person']);
  expect((await two.a.mam('verify', job_id, '--validate', '/bin/true')).stderr).toContain(
    'only its own script',
  );

  expect(await two.a.mam('answer', job_id, 'Red tiles')).toMatchObject({ code: 0 });
  const said = two.b.events(job_id).filter(({ type }) => type === 'answered');
  expect(said.map(({ source, detail }) => [source, detail])).toEqual([
    ['supervisor', 'Tiles'],
    ['person', 'Red tiles'],
  ]);

  const cancelled = await server.ask('cancel_job', { job_id, reason: 'no roof' });
  expect(cancelled).toMatchObject({ job_id, changed: true, status: 'cancelled', home: { host: 'hostb' } });
  await two.agree(job_id, 'cancelled');
  expect(await server.ask('cancel_job', { job_id })).toMatchObject({ changed: false });
});

test('a result that fails its check goes back to the peer there, and both hosts hear of each round', async () => {
  const script = join(two.b.project, 'roof.sh');
  writeFileSync(script, 'test -e roof || { echo "no roof"; exit 3; }\n');
  two.b.expected.push(/^p\/roof(\.sh)?$/);
  const [sessions, workdirs] = [['tmux:mute'], [two.b.project]];
  two.b.configure({ hosts: { hosta: { may: { delegate: true, workdirs, sessions, validate: workdirs } } } });
  const peer = await two.b.startPeer('mute');
  const { job_id } = await two.delegate(server, peer, { validate: script, validate_rounds: 2 });
  const reporter = await two.b.reporter;
  await reporter.report(job_id, 'completed', { detail: 'done' });
  await peer.gets(2, 2);
  expect(peer.pastes[1]).toContain('there is something for you to read');
  expect(await reporter.report(job_id, 'progress')).toMatchObject({
    messages: [expect.stringContaining('Your result did not pass the check (run 1 of 3:')],
  });
  await until('the first round is known here', () => two.a.types(job_id).includes('validated'));
  expect(await server.ask('job_status', { job_id })).toMatchObject({
    ...{ status: 'working', validation: { rounds: 1, passed: false, exit_code: 3 } },
  });
  writeFileSync(join(two.b.project, 'roof'), '');
  await reporter.report(job_id, 'completed', { detail: 'now it is there' });
  const { jobs } = await server.ask('wait_job', { job_id, timeout_seconds: 60 });
  expect(jobs).toMatchObject([{ status: 'completed', validation: { passed: true } }]);
});

test('the agents and jobs of another host are listed, and its agents are started and stopped, if it permits', async () => {
  const peer = await two.b.startPeer('mute');
  const { job_id } = await two.delegate(server, peer);
  const rows = await server.ask('list_agents', { host: 'hostb' });
  expect(rows['summary']).toContain('hostb');
  const { jobs } = await server.ask('list_jobs', { host: 'hostb' });
  expect(jobs).toMatchObject([{ job_id, agent: 'command' }]);
  expect(await server.ask('list_jobs', { host: 'hostb', status: 'failed' })).toMatchObject({
    jobs: [],
    total: 1,
  });
  expect(await server.refusal('list_jobs', { host: 'hostb', mine: true })).toMatch(/does not apply/);
  expect((await two.a.mam('list', '--host', 'hostb')).stdout).toContain(job_id);

  const start = { agent: 'fake', name: 'fake', host: 'hostb' };
  expect(await server.refusal('start_agent', start)).toMatch(
    /^on hostb: Your host may not start or stop agents/,
  );
  expect(await server.refusal('stop_agent', { name: 'tmux:mute@hostb' })).toMatch(
    /^on hostb: Your host may not start or stop agents/,
  );
  const all = await two.a.json('agents', '--all');
  expect(all['hosts']).toMatchObject([{ host: 'hostb', agents: expect.any(Array) }]);
});

test('the jobs of a session count together, wherever they are', async () => {
  server = await two.a.startServer({ MAM_MAX_OPEN_JOBS: '2' });
  const here = await two.a.startPeer('mute');
  const there = await two.b.startPeer('mute');
  await server.delegate(here);
  await two.delegate(server, there);
  const job = { prompt: 'One more', agent: 'command' };
  for (const session of [here.address, `${there.address}@hostb`])
    expect(await server.refusal('delegate_job', { ...job, agent_session: session })).toMatch(
      /has 2 open jobs, and the limit is 2/,
    );
  expect(jobsHere()).toHaveLength(2);
});

test('mam submit delegates to another host and waits', async () => {
  const peer = await two.b.startPeer('good');
  const { code, stdout } = await two.a.mam(
    ...['submit', '--prompt', 'Mend the roof', '--agent', 'command'],
    ...['--agent-session', `${peer.address}@hostb`],
  );
  const [, id = ''] = /registered job: (\S+)/.exec(stdout) ?? [];
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('completed') });
  await until('the job is listed with its host', async () => {
    const { jobs } = await two.a.json('list');
    return jobs.some((job: { job_id: string; host?: string }) => job.job_id === id && job.host === 'hostb');
  });
});
