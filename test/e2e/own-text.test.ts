import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { startOf } from '../../src/base/processes.ts';
import { writePaneText } from '../../src/registry/pane-texts.ts';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharingWith } from '../support/lab-test.ts';
import type { Peer } from '../support/peer.ts';
import { removeAtOnce } from '../support/remove.ts';
import { pause, until } from '../support/until.ts';

/** Longer than it takes to check a blocked pane again and to be sure that a text is gone. */
const NEXT_LOOK_MS = 2_000;
/** A key that clears the box of a peer with `--edit`. */
const CLEAR = 'C-u';
const CLEAR_BYTE = '\x15';

/** The kind `editor` shows its box and has a clear key; nothing is known about `command`. */
const EDITOR = {
  ready: '^READY>',
  draft: '(?<=READY> )\\S[\\s\\S]*',
  busy: 'esc to interrupt',
  clear: CLEAR,
};

const sharing = sharingWith({ agents: { editor: EDITOR } });

/** Makes a peer show its n-th paste, for which a delegation waits. */
async function shown<T>(peer: Peer, pastes: number, delegated: Promise<T>): Promise<T> {
  await until('the order is pasted', () => peer.pastes.length === pastes);
  peer.show();
  return delegated;
}

const texts = (lab: Lab): string[] => readdirSync(join(lab.home, 'panes'));
const type = (lab: Lab, peer: Peer, ...keys: string[]) => lab.tmux('send-keys', '-t', peer.pane, ...keys);
const isBlocked = (lab: Lab, jobId: string, words: string) =>
  until(`${jobId} waits: ${words}`, () => {
    const { blocked_by, detail = '' } = lab.record(jobId);
    return blocked_by === 'draft' && detail.includes(words);
  });

/** Of two orders the first stays in the box after these keys; the second is typed once a person has cleared it. */
async function goesOnceCleared(
  lab: Lab,
  peer: Peer,
  [one, two]: [string, string],
  keys: string,
): Promise<void> {
  await pause(NEXT_LOOK_MS);
  expect(peer.pastes).toEqual([lab.orderOf(one)]);
  expect(peer.keys).toBe(keys);
  await type(lab, peer, CLEAR);
  await lab.event(two, 'submitted');
  expect(peer.pastes).toEqual([one, two].map((id) => lab.orderOf(id)));
  expect(peer.keys).toBe(`${keys}${CLEAR_BYTE}\r`);
}

/** A job that its peer reports as completed while an answer to it is in the input box, not sent. @returns its id */
async function endsWithItsAnswerPasted(
  { lab, server, reporter }: { lab: Lab; server: LabServer; reporter: LabServer },
  peer: Peer,
  more: { agent?: string },
): Promise<string> {
  const { job_id } = await shown(peer, 1, server.delegate(peer, { prompt: 'job one', ...more }));
  await lab.event(job_id, 'submitted');
  await reporter.report(job_id, 'started');
  await server.ask('answer_job', { job_id, text: 'Take tin.' });
  await until('the answer is pasted', () => peer.pastes.length === 2);
  await reporter.report(job_id, 'completed');
  peer.show();
  return job_id;
}

/** An order whose Enter is ignored by its program, and which is then cancelled. */
async function leftBehind(lab: Lab, server: LabServer, peer: Peer, agent = 'command'): Promise<string> {
  const { job_id } = await server.delegate(peer, { prompt: 'job one', agent });
  await lab.event(job_id, 'delivery_unverified');
  await server.ask('cancel_job', { job_id });
  return job_id;
}

describe.concurrent('a text of ours that was pasted and not submitted', () => {
  sharing('into a hanging program: the next order waits until it came and went', async ({ lab, server }) => {
    const awake = `${lab.project}/awake`;
    const peer = await lab.startPeer('mute', { args: ['--edit', '--hang', awake] });
    process.kill(peer.pid, 'SIGUSR2');
    await until('it hangs', () => peer.hangs);
    const one = await leftBehind(lab, server, peer);
    const two = await server.delegate(peer, { prompt: 'job two' });
    await isBlocked(lab, two.job_id, `our own order for job ${one} was pasted`);
    // Its screen changes, and it has read nothing.
    await lab.tmux('resize-window', '-t', peer.pane, '-x', '100', '-y', '30');
    await pause(NEXT_LOOK_MS);
    expect(peer.pastes).toEqual([]);
    expect(lab.record(two.job_id).phase).toBe('queued');
    lab.write('awake', '');
    await isBlocked(lab, two.job_id, `our own order for job ${one} is in the input box`);
    await goesOnceCleared(lab, peer, [one, two.job_id], '');
  });

  sharing('is taken out of the box by the clear key of its kind', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit', '--swallow', '2'] });
    const one = await leftBehind(lab, server, peer, 'editor');
    const two = await server.delegate(peer, { prompt: 'job two', agent: 'editor' });
    await lab.event(two.job_id, 'submitted');
    expect(peer.pastes).toEqual([one, two.job_id].map((id) => lab.orderOf(id)));
    expect(peer.keys).toBe(`\r\r${CLEAR_BYTE}\r`);
  });

  for (const [how, ...args] of [
    ['as a placeholder', '--show', 'collapsed'],
    ['away from the cursor', '--park'],
    ['as other words', '--show', 'other'],
  ])
    sharing(`and that is shown ${how}: the next order waits until it is gone`, async ({ lab, server }) => {
      const peer = await lab.startPeer('mute', { args: ['--edit', '--swallow', '2', ...args] });
      const { job_id: one } = await server.delegate(peer, { prompt: 'job one' });
      await lab.event(one, 'delivery_unverified');
      await server.ask('answer_job', { job_id: one, text: 'Take tin.' });
      await pause(NEXT_LOOK_MS);
      await server.ask('cancel_job', { job_id: one });
      const two = await server.delegate(peer, { prompt: 'job two' });
      await isBlocked(lab, two.job_id, `our own order for job ${one}`);
      await pause(NEXT_LOOK_MS);
      expect(peer.pastes).toEqual([lab.orderOf(one)]);
      // Unless it is seen to be alone, Enter is not pressed.
      expect(peer.keys).toMatch(/^\r*$/);
      await type(lab, peer, CLEAR);
      await until('the next one is pasted', () => peer.pastes.length === 2);
      expect(peer.pastes[1]).toBe(lab.orderOf(two.job_id));
    });

  sharing('and then changed by a person is a draft: never cleared, never sent', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit', '--swallow', '2'] });
    const { job_id: one } = await server.delegate(peer, { prompt: 'job one', agent: 'editor' });
    await lab.event(one, 'delivery_unverified');
    await type(lab, peer, ' and paint it');
    await until('it is changed', async () => (await lab.screen(peer)).includes('paint it'));
    await server.ask('cancel_job', { job_id: one });
    const two = await server.delegate(peer, { prompt: 'job two', agent: 'editor' });
    await isBlocked(lab, two.job_id, 'it was changed, or is next to other words');
    await pause(NEXT_LOOK_MS);
    expect(peer.keys).toBe('\r\r and paint it');
    expect(await lab.screen(peer)).toContain('paint it');
    await type(lab, peer, CLEAR);
    await lab.event(two.job_id, 'submitted');
    expect(peer.pastes).toHaveLength(2);
  });

  sharing('with its Enter swallowed is not reported as submitted when changed', async ({ lab, server }) => {
    for (const agent of ['editor', 'command']) {
      const peer = await lab.startPeer('mute', { args: ['--edit', '--swallow', '1'] });
      const delegated = server.delegate(peer, { prompt: 'job one', agent });
      await until('Enter is pressed', () => peer.keys === '\r');
      await type(lab, peer, ' and delete it');
      const { job_id: one } = await delegated;
      await lab.event(one, 'delivery_unverified');
      expect(lab.record(one).detail).toContain('someone has changed it');
      expect(lab.types(one)).not.toContain('submitted');
      await server.ask('cancel_job', { job_id: one });
      const two = await server.delegate(peer, { prompt: 'job two', agent });
      await isBlocked(lab, two.job_id, 'it was changed, or is next to other words');
      expect(peer.pastes).toHaveLength(1);
      expect(peer.keys).toBe('\r and delete it');
    }
  });

  sharing('does not go out with an answer to its own job', async ({ lab, server, reporter }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit', '--swallow', '2'] });
    const { job_id: one } = await server.delegate(peer, { prompt: 'job one' });
    await lab.event(one, 'delivery_unverified');
    await server.ask('answer_job', { job_id: one, text: 'Take tin.' });
    await pause(NEXT_LOOK_MS);
    expect(peer.pastes).toEqual([lab.orderOf(one)]);
    expect(peer.keys).toBe('\r\r');
    // A person sends it.
    await type(lab, peer, 'Enter');
    await peer.gets(2, 4);
    expect(peer.pastes[1]).toContain('there is something for you to read');
    await reporter.report(one, 'completed');
  });

  sharing('an answer as its job ends: the next order waits for it', async ({ lab, server, reporter }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit', '--withhold'] });
    const one = await endsWithItsAnswerPasted({ lab, server, reporter }, peer, {});
    const two = await server.delegate(peer, { prompt: 'job two' });
    await isBlocked(lab, two.job_id, `our own message for job ${one} is in the input box`);
    await pause(NEXT_LOOK_MS);
    expect(peer.keys).toBe('\r');
    await type(lab, peer, CLEAR);
    await until('the next order is pasted', () => peer.pastes.length === 3);
    peer.show();
    await lab.event(two.job_id, 'submitted');
    expect(peer.pastes[2]).toBe(lab.orderOf(two.job_id));
    expect(peer.keys).toBe(`\r${CLEAR_BYTE}\r`);
  });

  sharing('an answer as its job ends: cleared, if its kind has a key', async ({ lab, server, reporter }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit', '--withhold'] });
    await endsWithItsAnswerPasted({ lab, server, reporter }, peer, { agent: 'editor' });
    await until('it is cleared', () => peer.keys === `\r${CLEAR_BYTE}`);
    const two = await shown(peer, 3, server.delegate(peer, { prompt: 'job two', agent: 'editor' }));
    await lab.event(two.job_id, 'submitted');
    expect(peer.pastes[2]).toBe(lab.orderOf(two.job_id));
    expect(peer.keys).toBe(`\r${CLEAR_BYTE}\r`);
  });

  sharing('of a removed job: an order from another registry still waits', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--swallow', '2'] });
    const one = await leftBehind(lab, server, peer);
    removeAtOnce(lab.paths(one).folder);
    const registry = join(lab.project, 'other', 'jobs');
    const other = await lab.startServer({ MAM_REGISTRY_DIR: registry });
    const agent = { agent: 'command', agent_session: peer.address };
    const busy = await other.refusal('delegate_job', { prompt: 'job two', ...agent, on_busy: 'refuse' });
    expect(busy).toContain(`our own order for job ${one} is in the input box`);
    const { job_id: two } = await other.delegate(peer, { prompt: 'job two' });
    expect(lab.record(two, registry)).toMatchObject({ blocked_by: 'draft', phase: 'queued' });
    const { agents } = await other.ask('list_agents');
    const row = agents.find(({ jobs }: { jobs: string[] }) => jobs.includes(two));
    expect(row).toMatchObject({ state: 'draft', evidence: expect.stringContaining(one) });
    // Sent by a person: it has left the box, although it is still above it.
    await type(lab, peer, 'Enter');
    await until('it is sent', () => lab.types(two, registry).includes('submitted'));
    expect(peer.pastes).toHaveLength(2);
  });

  sharing('of a hub with another MAM_HOME: an order still waits', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit', '--swallow', '2'] });
    await leftBehind(lab, server, peer);
    const MAM_HOME = join(lab.folder, 'h2');
    lab.homes.push(MAM_HOME);
    const registry = join(lab.project, 'second', 'jobs');
    const other = await lab.startServer({ MAM_HOME, MAM_REGISTRY_DIR: registry });
    const agent = { agent: 'command', agent_session: peer.address };
    const busy = await other.refusal('delegate_job', { prompt: 'job two', ...agent, on_busy: 'refuse' });
    expect(busy).toContain('is in the input box and was not submitted: READY> Job ');
    const { job_id: two } = await other.delegate(peer, { prompt: 'job two' });
    expect(lab.record(two, registry)).toMatchObject({ blocked_by: 'draft', phase: 'queued' });
    await type(lab, peer, CLEAR);
    await until('it is sent', () => lab.types(two, registry).includes('submitted'));
    expect(peer.keys).toBe(`\r\r${CLEAR_BYTE}\r`);
  });

  sharing('of two hubs that paste at once: neither is sent with the other', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit', '--echo', '700'] });
    const MAM_HOME = join(lab.folder, 'h3');
    lab.homes.push(MAM_HOME);
    const registry = join(lab.project, 'third', 'jobs');
    const other = await lab.startServer({ MAM_HOME, MAM_REGISTRY_DIR: registry });
    await other.ask('list_jobs');
    const both = [server, other].map((one) => one.delegate(peer, { prompt: 'job one' }));
    await Promise.all(both);
    await peer.gets(2, 2);
    const sent = peer.bytes.toString().split('\r');
    expect(sent.map((text) => text.split('Use only this id').length - 1)).toEqual([1, 1, 0]);
  });

  sharing('in a pane whose program was replaced: nobody waits for it', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--swallow', '2'], session: 'reborn' });
    await leftBehind(lab, server, peer);
    expect(texts(lab).length).toBeGreaterThan(0);
    await lab.tmux('respawn-pane', '-k', '-t', peer.pane);
    await until('it runs again', async () => (await lab.screen(peer)).trim() === 'READY>');
    const two = await server.delegate(peer, { prompt: 'job two' });
    expect(two.status).not.toBe('queued');
    expect(peer.pastes).toHaveLength(2);
  });
});

describe('the hub is killed, and a text of ours is in a pane', () => {
  sharing('the next knows it: another order waits, neither goes with the other', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit', '--swallow', '2'] });
    const one = await leftBehind(lab, server, peer);
    const two = await server.delegate(peer, { prompt: 'job two' });
    await isBlocked(lab, two.job_id, one);
    const killed = await lab.killHub();
    await server.ask('list_jobs');
    await until('another hub runs', async () => (await lab.hubPid()) !== killed);
    await goesOnceCleared(lab, peer, [one, two.job_id], '\r\r');
  });

  sharing('and its notes are lost or cannot be read: another order still waits', async ({ lab, server }) => {
    const ways = [[], ['--show', 'collapsed'], ['--park']];
    const left = await Promise.all(
      ways.map(async (args) => {
        const peer = await lab.startPeer('mute', { args: ['--edit', '--swallow', '2', ...args] });
        return { peer, one: await leftBehind(lab, server, peer) };
      }),
    );
    const killed = await lab.killHub();
    const folder = join(lab.home, 'panes');
    rmSync(folder, { recursive: true });
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, 'damaged'), '{bad');
    await server.ask('list_jobs');
    await until('another hub runs', async () => (await lab.hubPid()) !== killed);
    await Promise.all(
      left.map(async ({ peer, one }) => {
        const two = await server.delegate(peer, { prompt: 'job two' });
        await isBlocked(lab, two.job_id, 'is in the input box and was not submitted');
        await pause(NEXT_LOOK_MS);
        expect(peer.pastes).toEqual([lab.orderOf(one)]);
        expect(peer.keys).toMatch(/^\r*$/);
        await type(lab, peer, CLEAR);
        await until('the next one is pasted', () => peer.pastes.length === 2);
      }),
    );
    rmSync(join(folder, 'damaged'));
  });

  sharing('or was only about to be pasted there: its order goes in', async ({ lab, server, peer }) => {
    await lab.tmux('copy-mode', '-t', peer.pane);
    const { job_id: one } = await server.delegate(peer, { prompt: 'job one' });
    await lab.killHub();
    const pane_pid = Number(await lab.tmux('display-message', '-p', '-t', peer.pane, '#{pane_pid}'));
    writePaneText(join(lab.home, 'panes'), 'abcd1234', {
      ...{ socket: lab.socket, pane: peer.pane, pane_pid, pane_start: startOf(pane_pid) ?? '' },
      ...{ jobs: [one], what: 'order', agent: 'command', text: lab.orderOf(one), mark: one },
      ...{ prompt: 'READY>', screen: '', at: new Date().toISOString() },
    });
    await lab.tmux('send-keys', '-X', '-t', peer.pane, 'cancel');
    await server.ask('list_jobs');
    await lab.event(one, 'submitted');
    expect(peer.pastes).toHaveLength(1);
    expect(texts(lab)).not.toContain('abcd1234');
  });

  sharing('that its program is slow to show: sent once it is there', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--echo', '1000'] });
    const delegated = server.delegate(peer, { prompt: 'job one' });
    await until('it is pasted', () => peer.pastes.length === 1);
    await lab.killHub();
    await server.ask('list_jobs');
    const { job_id: one } = await delegated;
    await lab.event(one, 'submitted');
    expect(peer.pastes).toEqual([lab.orderOf(one)]);
    expect(peer.keys).toBe('\r');
  });

  sharing('that a person changed meanwhile: not sent', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute', { args: ['--edit', '--echo', '700'] });
    server.delegate(peer, { prompt: 'job one' }).catch(() => {});
    await until('it is pasted', () => peer.pastes.length === 1);
    await lab.killHub();
    const one = lab.jobIds().find((id) => peer.pastes[0]?.includes(id)) ?? '';
    await type(lab, peer, 'x', 'BSpace', 'BSpace', 'BSpace');
    await lab.event(one, 'delivery_unverified');
    expect(lab.record(one).detail).toContain('someone has changed it');
    expect(peer.keys).not.toContain('\r');
    await server.ask('cancel_job', { job_id: one });
  });
});
