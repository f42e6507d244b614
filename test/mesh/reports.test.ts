import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Hosts } from '../support/hosts/hosts.ts';
import { RawHome } from '../support/hosts/raw-home.ts';
import { TwoHosts } from '../support/hosts/two-hosts.ts';
import type { LabServer } from '../support/lab-server.ts';
import { until } from '../support/until.ts';

let world: Hosts;
let two: TwoHosts;
let server: LabServer;

beforeEach(async () => {
  two = await TwoHosts.make({ more: ['program'] });
  world = two.world;
  await two.meet();
  server = await two.a.startServer();
});
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** The reports that the delegating host keeps. */
function kept(): string[] {
  const outbox = join(two.a.home, 'outbox');
  return existsSync(outbox) ? readdirSync(outbox).filter((name) => name.endsWith('.json')) : [];
}

/** Two reports, as event and text. */
const BOTH = [
  ['progress', 'half'],
  ['completed', 'whole'],
] as const;

/** What the peer of a job has reported, as its copy has it. */
function said(jobId: string): unknown[] {
  const events = two.a.events(jobId).filter(({ source }) => source === 'peer');
  return events.map(({ type, detail }) => [type, detail]);
}

test('a report on a job of another host is recorded there, and its publisher is told so', async () => {
  const job = { prompt: 'Look at the lamp', agent: 'human', host: 'hostb' };
  const { job_id } = await server.ask('delegate_job', job);
  const done = await two.a.mam('done', job_id, 'It shines.');
  expect(done).toMatchObject({ code: 0 });
  expect(await two.b.json('status', job_id)).toMatchObject({ status: 'completed', detail: 'It shines.' });
  await two.agree(job_id, 'completed');
  expect(kept()).toEqual([]);

  const late = await two.a.mam('publish', '--job', job_id, '--event', 'progress', '--detail', 'again');
  expect(late.stderr + late.stdout).toMatch(/job is completed on its own machine/);
});

test('a report is kept while the host is away, goes there when it is back, and nothing stays behind', async () => {
  const peer = await two.b.startPeer('mute');
  const { job_id } = await two.delegate(server, peer);
  await two.agree(job_id, 'submitted');
  await two.b.mam('hub', 'stop');
  await two.a.sees(0);
  for (const [event, detail] of BOTH)
    expect((await two.a.mam('publish', '--job', job_id, '--event', event, '--detail', detail)).code).toBe(0);
  expect(kept()).toHaveLength(2);
  await two.startHub(two.b);
  await two.agree(job_id, 'completed');
  expect(said(job_id)).toEqual(BOTH);
  await until('the outbox is empty', () => kept().length === 0);
});

test('a result that no message can carry goes to the home in pieces', async () => {
  const { job_id } = await server.ask('delegate_job', { prompt: 'Read', agent: 'human', host: 'hostb' });
  const reporter = await two.a.startPeerServer();
  const result = Array.from({ length: 20_000 }, (_, at) => `line ${at} "é"`).join('\n');
  expect(await reporter.report(job_id, 'completed', { result })).toMatchObject({ accepted: true });
  await two.agree(job_id, 'completed');
  for (const lab of [two.a, two.b]) {
    const { result_file: file } = await lab.json('status', job_id);
    expect(readFileSync(file, 'utf8')).toBe(result);
  }
  await until('the outbox is empty', () => kept().length === 0);
});

test('a late report on a job that its home does not have any more is refused, and not kept', async () => {
  const { job_id } = await server.ask('delegate_job', { prompt: 'Read', agent: 'human', host: 'hostb' });
  await two.a.mam('done', job_id, 'Read.');
  await two.agree(job_id, 'completed');
  await until('the copy is whole', async () => (await two.a.json('status', job_id)).home.state === 'ended');
  expect((await two.b.mam('prune', '--older-than', '0s')).stdout).toMatch(/1 job/);
  await two.a.mam('publish', '--job', job_id, '--event', 'progress', '--detail', 'again');
  await until('the outbox is empty', () => kept().length === 0);
  expect((await two.a.mam('hub', 'logs')).stdout).toMatch(
    /is refused: hostb does not have this job any more/,
  );
});

test('only the home of a job answers a program that reports, and only about what it reports', async () => {
  const peer = await two.b.startPeer('mute');
  const { job_id } = await two.delegate(server, peer);
  await two.agree(job_id, 'submitted');
  const program = await RawHome.join(two.broker, 'program');
  const claim = { type: 'progress', source: 'peer', detail: 'by a program', at: new Date().toISOString() };
  await program.say('hosta', `claim/${job_id}`, { ...claim, event_id: 'at-the-copy' });
  await program.say('hostb', 'claim/a2bcdefg-other', { ...claim, event_id: 'of-nobody' });
  await program.say('hostb', `claim/${job_id}`, { ...claim, source: 'supervisor', event_id: 'too-much' });
  await program.say('hostb', `claim/${job_id}`, { ...claim, event_id: 'at-home' });
  const answers = () => program.answers.map(({ id, result }) => [id, result.recorded]);
  await until('the home has answered', () => program.answers.some(({ id }) => id === 'at-home'));
  expect(answers()).toEqual([
    ['too-much', false],
    ['at-home', true],
  ]);
  const lines = await two.agree(job_id, 'progress');
  expect(lines.filter((line) => line.includes('by a program'))).toHaveLength(1);
});

test('what a program reports while the hub of the job is away is recorded once, in order, when it is back', async () => {
  const peer = await two.b.startPeer('mute');
  const { job_id } = await two.delegate(server, peer);
  await two.agree(job_id, 'submitted');
  await two.b.mam('hub', 'stop');
  await two.a.sees(0);
  const program = await RawHome.join(two.broker, 'program');
  const report = (name: string, type: string) =>
    program.raw.say(`mam/v1/default/hosts/hostb/in/program/claim/${job_id}`, {
      ...{ event_id: name, type, detail: name },
    });
  for (const [event, detail] of BOTH) await report(detail, event);
  await two.startHub(two.b);
  await two.agree(job_id, 'completed');
  expect(said(job_id)).toEqual(BOTH);
  await until('both are answered', () => program.answers.length === 2);
  // Acknowledged for good: the next hub does not hear them again.
  program.answers.length = 0;
  await two.startHub(two.b);
  await two.a.sees(1);
  await report('after', 'progress');
  await until('the next report is answered', () => program.answers.length > 0);
  expect(program.answers.map(({ id }) => id)).toEqual(['after']);
});
