import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { exists } from '../../src/base/processes.ts';
import { Leash } from '../../src/hub/preparation/leash.ts';
import { CHECK_VARIABLES } from '../../src/settings/table.ts';
import { until } from '../support/until.ts';

/** A shell with a group of its own that prints the id of what it has started, which takes no notice of SIGTERM. */
async function started(mark: string, line: string) {
  const child = spawn('sh', ['-c', line], {
    env: { PATH: process.env['PATH'], [CHECK_VARIABLES.mark]: mark },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [printed] = await once(child.stdout, 'data');
  return { child, pid: child.pid ?? 0, below: Number(String(printed)) };
}

const BELOW = `setsid sh -c 'trap "" TERM; echo $$; exec sleep 600' &`;

test('what hangs beyond its time limit is ended, with what it has started', async () => {
  const mark = randomUUID();
  const { child, pid, below } = await started(mark, `${BELOW} wait`);
  const leash = new Leash({ mark, signal: new AbortController().signal, limitMs: 50 });
  leash.hold(pid);
  await once(child, 'exit');
  expect(leash.isOver).toBe(true);
  leash.release();
  await until('what it has started is gone', () => !exists(below));
});

test('what begins after the end of its job is ended at once; what has ended by itself leaves its own alone', async () => {
  const stop = new AbortController();
  const [late, early] = [randomUUID(), randomUUID()];
  const before = await started(early, `${BELOW} sleep 0.2`);
  const free = new Leash({ mark: early, signal: stop.signal, limitMs: 600_000 });
  free.hold(before.pid);
  await once(before.child, 'exit');
  free.release();
  expect(exists(before.below)).toBe(true);
  process.kill(before.below, 'SIGKILL');
  stop.abort();
  const { child, pid, below } = await started(late, `${BELOW} wait`);
  const leash = new Leash({ mark: late, signal: stop.signal, limitMs: 600_000 });
  leash.hold(pid);
  await once(child, 'exit');
  leash.release();
  expect(leash.isOver).toBe(false);
  await until('nothing is left', () => !exists(below) && !exists(before.below));
});
