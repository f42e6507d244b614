import { expect, test } from 'vitest';
import type { LiveJob } from '../../src/hub/jobs/live-job.ts';
import { PaneOwners } from '../../src/hub/panes/pane-owners.ts';

const SOCKET = '/tmp/tmux-0/default';

/** A job in a pane, whose agent has this process id. */
function job(id: string, pane: string, pid: number, more: object = {}): LiveJob {
  const agent_session = { session: id, pane, socket: SOCKET };
  const agent_process = { pid, pane_pid: pid };
  const record = { status: 'working', phase: 'submitted', agent_session, agent_process, ...more };
  return { id, record } as unknown as LiveJob;
}

const roof = job('roof', '%1', 100);
const wall = job('wall', '%2', 200);
const next = job('next', '%1', 100, { status: 'queued', phase: 'queued' });
const over = job('over', '%3', 300, { status: 'completed' });
const owners = new PaneOwners(() => [next, over, roof, wall]);

test('a publisher belongs to the job of its pane when the agent there is its ancestor', () => {
  expect(owners.openJobOf({ pane: '%1', socket: SOCKET, pids: [150, 100, 1] })).toBe(roof);
});

test.each([
  ['a process that only has the variable of the pane', { pane: '%1', socket: SOCKET, pids: [150, 1] }],
  ['a pane of that name on another server', { pane: '%1', socket: '/tmp/other', pids: [100] }],
  ['a pane whose job has ended', { pane: '%3', socket: SOCKET, pids: [300] }],
  ['a caller without a pane', { pids: [100] }],
])('%s proves nothing', (_what, origin) => {
  expect(owners.openJobOf(origin as never)).toBeUndefined();
});

test('a delegating process has the job of its nearest ancestor that holds one', () => {
  expect(owners.parentOf({ pids: [500, 200, 100, 1] } as never)).toBe(wall);
  expect(owners.parentOf({ pids: [500, 1] } as never)).toBeUndefined();
});

test('a job that waits for a pane may report from it, one of another pane may not', () => {
  expect(owners.isQueuedIn(next, roof)).toBe(true);
  expect(owners.isQueuedIn(next, wall)).toBe(false);
});
