import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { boundedPattern } from '../../src/agents/bounded-pattern.ts';
import { Lab } from '../support/lab.ts';

/** A search that would take until the end of the world. */
const SLOW = '(a+)+$X';

describe('a pattern of the configuration', () => {
  test('finds what it finds, as often as it is asked', () => {
    const pattern = boundedPattern('^ready> ?$');
    const found = ['x\nready>', 'ready', 'ready> \n'].map((text) => text.search(pattern));
    expect(found).toEqual([2, -1, 0]);
    expect('x\nready>'.search(pattern)).toBe(2);
  });

  test.each([SLOW, '^(\\w+\\s?)*!$', '(x|x)*y'])('%s is stopped, and not tried again', (source) => {
    const pattern = boundedPattern(source);
    const text = `${'a'.repeat(60)} ${'x'.repeat(60)}-`;
    expect(() => text.search(pattern)).toThrow('was stopped');
    expect(() => 'a'.search(pattern)).toThrow('was stopped');
  });

  test('is not stopped for time in which the machine had none for us', async () => {
    // Some ms of work, so that the time passes within a search and not between two.
    const [pattern, text] = [boundedPattern('a+b'), 'a'.repeat(3_000)];
    const pid = `${process.pid}`;
    const busy = spawn('sh', ['-c', `sleep 0.2; kill -STOP ${pid}; sleep 0.5; kill -CONT ${pid}`]);
    const ended = once(busy, 'close');
    for (let last = performance.now(), longest = 0; longest < 400; ) {
      expect(text.search(pattern)).toBe(-1);
      longest = performance.now() - last;
      last += longest;
    }
    await ended;
  });

  test('that is not a regular expression is a sentence', () => {
    expect(() => boundedPattern('(')).toThrow('is not a valid regular expression');
  });
});

describe('a hub whose agent has a slow pattern', () => {
  let lab: Lab;
  beforeEach(() => {
    lab = new Lab();
  });
  afterEach(() => lab.end());

  test('goes on, types nothing, and says why', async () => {
    mkdirSync(lab.home, { recursive: true, mode: 0o700 });
    const agents = { slow: { session: 'tmux:slow', ready: SLOW } };
    writeFileSync(join(lab.home, 'config.json'), JSON.stringify({ agents }));
    await lab.startSession('slow', `printf '%0100d' 0 | tr 0 a; exec cat`);
    const server = await lab.startServer();
    const { job_id: id } = await server.ask('delegate_job', { prompt: 'x', agent: 'slow' });
    const { record, status, blocked_by } = await server.ask('job_status', { job_id: id, events_after: 0 });
    expect([status ?? record.status, blocked_by ?? record.blocked_by]).toEqual(['queued', 'unreachable']);
    expect(await lab.tmux('capture-pane', '-p', '-t', '=slow:')).not.toContain(id);
    expect((await lab.mam('hub')).code).toBe(0);
    await server.ask('cancel_job', { job_id: id });
  });
});
