import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import type { Lab } from '../support/lab.ts';
import { sharingWith, test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import type { Peer } from '../support/peer.ts';
import { pause, until } from '../support/until.ts';

/** Longer than the interval at which a blocked pane is checked. */
const NEXT_LOOK_MS = 1_300;
const READY = '^READY> *$';
const sharing = sharingWith({
  agents: { talker: { ready: READY, fresh: '/new' }, silent: { ready: READY, session: 'tmux:silent' } },
});

/** How the texts for a job were typed: their kinds, with the stages of each. */
const typed = (lab: Lab, jobId: string) =>
  lab.events(jobId).flatMap((event) => {
    const isTyped = ['pasting', 'submitted', 'new_conversation'].includes(event.type);
    return isTyped ? [`${event.type} ${dataOf(event).what ?? ''}`.trim()] : [];
  });
const order = (lab: Lab, { job_id }: { job_id: string }) => lab.orderOf(job_id);
/** Waits until the order itself is submitted. */
const orderSubmitted = (lab: Lab, { job_id }: { job_id: string }) =>
  until('its order is submitted', () => lab.record(job_id).submitted_at);
const chat = (peer: Peer, args: object = {}) => ({
  agent: 'claude-code',
  agent_session: peer.address,
  ...args,
});

describe.concurrent('a new conversation', () => {
  sharing('begins right before the order, and only for a job with fresh', async ({ lab, server }) => {
    const peer = await lab.startChat();
    const first = await server.delegate(peer, chat(peer));
    await lab.event(first.job_id, 'completed');
    const second = await server.delegate(peer, chat(peer));
    await lab.event(second.job_id, 'completed');
    const third = await server.delegate(peer, chat(peer, { fresh: true }));
    await lab.event(third.job_id, 'completed');
    expect(peer.pastes).toEqual([order(lab, first), order(lab, second), '/clear', order(lab, third)]);
    expect(peer.keys).toBe('\r\r\r\r');
    const screen = await lab.screen(peer);
    expect(screen).toContain(third.job_id);
    expect(screen).not.toContain(first.job_id);
    expect(typed(lab, third.job_id)).toEqual([
      'pasting new_conversation',
      'submitted new_conversation',
      'new_conversation',
      'pasting',
      'submitted',
    ]);
    const evidence = '/clear was typed, and the screen shows an empty conversation';
    expect(third.new_conversation).toBe(`begun: ${evidence}`);
    expect(second.new_conversation).toBeUndefined();
    const { fresh, delivery } = await server.ask('job_status', { job_id: third.job_id });
    expect(fresh).toBe(true);
    expect(delivery).toContainEqual(expect.objectContaining({ stage: 'new_conversation', evidence }));
  });

  sharing('begins when the turn of its job has come', async ({ lab, server, reporter }) => {
    const peer = await lab.startChat('--report', '');
    const first = await server.delegate(peer, chat(peer));
    await lab.event(first.job_id, 'submitted');
    const second = await server.delegate(peer, chat(peer, { fresh: true }));
    expect(second).toMatchObject({
      position: 1,
      delivery_stage: 'queued',
      new_conversation: '/clear is typed first, right before the order',
    });
    await pause(NEXT_LOOK_MS);
    const pastes = () => peer.pastes.filter((text) => !text.includes('is still open'));
    expect(pastes()).toEqual([order(lab, first)]);
    await reporter.report(first.job_id, 'completed');
    await orderSubmitted(lab, second);
    expect(pastes().slice(0, 3)).toEqual([order(lab, first), '/clear', order(lab, second)]);
  });

  sharing("waits while a person's draft is in the box", async ({ lab, server }) => {
    const peer = await lab.startChat('--draft', 'words of a person');
    const job = await server.delegate(peer, chat(peer, { fresh: true }));
    expect(job).toMatchObject({ status: 'queued', blocked_by: 'draft' });
    await pause(NEXT_LOOK_MS);
    expect(peer.bytes.toString()).toBe('');
    await lab.tmux('send-keys', '-t', peer.pane, 'C-u');
    await lab.event(job.job_id, 'completed');
    expect(peer.pastes).toEqual(['/clear', order(lab, job)]);
  });

  sharing('of a configured kind is begun with its own command', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit'] });
    const job = await server.delegate(peer, { agent: 'talker', fresh: true });
    await orderSubmitted(lab, job);
    expect(peer.pastes).toEqual(['/new', order(lab, job)]);
    expect(peer.keys).toBe('\r\r');
    await server.ask('cancel_job', { job_id: job.job_id });
  });
});

describe.concurrent('a new conversation that does not begin', () => {
  sharing(
    'because the menu offers something else: no Enter, and its text is removed',
    async ({ lab, server }) => {
      const peer = await lab.startChat('--menu', '/clear-all-files');
      const job = await server.delegate(peer, chat(peer, { fresh: true }));
      const { outcome, jobs } = await server.ask('wait_job', { job_id: job.job_id });
      expect(outcome).toBe('needs_attention');
      expect(jobs[0]).toMatchObject({ status: 'queued', blocked_by: 'conversation', needs_you: true });
      expect(jobs[0].detail).toContain("the agent's menu does not offer the command");
      expect(new Set(peer.pastes)).toEqual(new Set(['/clear']));
      expect(peer.keys).not.toContain('\r');
      await server.ask('cancel_job', { job_id: job.job_id });
      await until('its box is empty', async () => !(await lab.screen(peer)).includes('/clear'));
    },
  );

  sharing('because the agent refuses: the order waits until it is begun by hand', async ({ lab, server }) => {
    const peer = await lab.startChat('--clear', 'refuses');
    const before = await server.delegate(peer, chat(peer));
    await lab.event(before.job_id, 'completed');
    const job = await server.delegate(peer, chat(peer, { fresh: true, idle_timeout_seconds: 600 }));
    const blocked = await until(
      'it says why',
      () => lab.events(job.job_id).find((event) => dataOf(event).by === 'conversation'),
      60_000,
    );
    expect(peer.pastes).not.toContain(order(lab, job));
    expect(blocked.detail).toContain('/clear did not begin a new conversation in claude-code');
    process.kill(peer.pid, 'SIGUSR2');
    await lab.event(job.job_id, 'completed');
    expect(peer.pastes.at(-1)).toBe(order(lab, job));
    expect(await lab.screen(peer)).not.toContain(before.job_id);
  });
});

describe('a kind without a known way', () => {
  sharing.for([
    ['command', /mam does not know how to begin a new conversation in agent kind command\..*Leave out fresh/],
    [
      'silent',
      /mam does not know how to begin a new conversation in agent kind silent.*agents\.silent\.fresh/,
    ],
    ['human', /A job for a person cannot begin a new conversation/],
  ] as const)('is refused before there is a job: %s', async ([agent, text], { lab, server, peer }) => {
    const before = lab.jobIds();
    const agent_session = peer.address;
    for (const dry_run of [true, false]) {
      const args = { prompt: 'Mend the roof', agent, agent_session, fresh: true, dry_run };
      expect((await server.refusal('delegate_job', args)).replaceAll('\n', ' ')).toMatch(text);
    }
    expect(lab.jobIds()).toEqual(before);
    expect(peer.pastes).toEqual([]);
  });
});

test('an agent that is started for its job has a new conversation, whatever its kind', async ({ lab }) => {
  const program = join(import.meta.dirname, '../peers/peer.mjs');
  const log = join(lab.folder, 'started.log');
  const words = [program, '--log', log, '--mam', PROGRAM];
  lab.expected.push(/^started\.log$/);
  lab.sessions.add('starter');
  lab.configure({
    agents: { starter: { session: 'tmux:starter', command: [process.execPath, ...words], ready: READY } },
  });
  const server = await lab.startServer();
  const args = { prompt: 'Mend the roof', agent: 'starter', fresh: true, start: true };
  const job = await server.ask('delegate_job', args);
  await lab.event(job.job_id, 'completed');
  const entry = lab.record(job.job_id).delivery.find(({ stage }) => stage === 'new_conversation');
  expect(entry?.evidence).toBe('the agent was started for this job');
  const text = await server.refusal('delegate_job', args);
  expect(text).toContain('mam does not know how to begin a new conversation in agent kind starter.');
  expect(text).toContain('Or stop the agent, and delegate with `start` true');
  await server.ask('stop_agent', { name: 'starter' });
});

sharing('a dry run says what would begin it', async ({ lab, server }) => {
  const peer = await lab.startChat();
  const { summary, new_conversation } = await server.delegate(
    peer,
    chat(peer, { fresh: true, dry_run: true }),
  );
  expect(summary).toContain('in a new conversation that /clear begins');
  expect(new_conversation).toBe('/clear is typed first, right before the order');
  const where = ['--agent', 'claude-code', '--agent-session', peer.address];
  const shell = await lab.mam('submit', '--prompt', 'Mend the roof', ...where, '--fresh', '--dry-run');
  expect(shell.stdout).toContain('new conversation: /clear is typed first, right before the order\n');
  expect(peer.bytes.toString()).toBe('');
});

test('a hub that is killed between the command and the order loses neither', async ({ lab }) => {
  const server = await lab.startServer();
  const peer = await lab.startChat('--clear', 'waits');
  const first = await server.delegate(peer, chat(peer));
  await lab.event(first.job_id, 'completed');
  const job = await server.delegate(peer, chat(peer, { fresh: true }));
  await peer.gets(2, 2);
  await lab.killHub();
  await server.ask('list_jobs');
  await pause(NEXT_LOOK_MS);
  // The agent is still carrying it out: nothing is typed meanwhile.
  expect(peer.pastes).toHaveLength(2);
  process.kill(peer.pid, 'SIGUSR1');
  // The new hub cannot know whether it was carried out, so it asks for it once more.
  await until('it was asked again', () => peer.pastes.length === 3 && peer.keys.length >= 3);
  expect(peer.pastes.at(-1)).toBe('/clear');
  process.kill(peer.pid, 'SIGUSR1');
  await lab.event(job.job_id, 'completed');
  expect(peer.pastes).toEqual([order(lab, first), '/clear', '/clear', order(lab, job)]);
  expect(await lab.screen(peer)).not.toContain(first.job_id);
});
