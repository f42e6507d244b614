import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

// The harness must be able to fail, or all other tests prove less than they seem to.
describe('a lab that is taken down', () => {
  const folders: string[] = [];
  function open(): Lab {
    const lab = new Lab();
    folders.push(lab.folder);
    return lab;
  }
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  test('after a whole job leaves nothing, not even its folder', async () => {
    const lab = open();
    const server = await lab.startServer();
    const peer = await lab.startPeer('good');
    await server.ask('delegate_job', { prompt: 'x', agent: 'command', agent_session: peer.address });
    expect((await server.ask('wait_job')).outcome).toBe('final');
    const hub = await lab.hubPid();
    await lab.end();
    expect(existsSync(lab.folder)).toBe(false);
    expect(isRunning(hub)).toBe(false);
  });

  test('reports a process that is left, and ends it', async () => {
    const lab = open();
    const helper = spawn('sleep', ['1000'], {
      env: { LAB: lab.folder, PATH: process.env['PATH'] },
      detached: true,
    });
    await expect(lab.end(false, 300)).rejects.toThrow(
      /process \d+ is left: sleep 1000\nThe evidence is kept/,
    );
    await until('the helper is gone', () => !isRunning(helper.pid ?? 0));
    expect(existsSync(lab.folder)).toBe(true);
  });

  test('reports a process that has the folder only in its command line', async () => {
    const lab = open();
    const helper = spawn('tail', ['-f', join(lab.write('a-file', ''))], { env: {}, detached: true });
    await expect(lab.end(false, 300)).rejects.toThrow(/process \d+ is left: tail -f/);
    await until('the helper is gone', () => !isRunning(helper.pid ?? 0));
  });

  test('reports a socket and a file', async () => {
    const lab = open();
    const server = createServer().listen(join(lab.folder, 'p', '.left.sock'));
    writeFileSync(join(lab.project, '.left'), '');
    await expect(lab.end()).rejects.toThrow(/socket p\/\.left\.sock is left/);
    await expect(lab.end()).rejects.toThrow(/file p\/\.left is left/);
    server.close();
  });

  test('reports a tmux session and a buffer that no test made', async () => {
    const lab = open();
    await lab.startSession('mine', 'sleep 1000');
    await lab.tmux('new-session', '-d', '-s', 'stranger', 'sleep 1000');
    await lab.tmux('set-buffer', 'left');
    await expect(lab.end()).rejects.toThrow(/session stranger is left\ntmux buffer buffer0 is left/);
  });

  test('keeps the evidence of a failed test and says where', async () => {
    const lab = open();
    await expect(lab.end(true)).rejects.toThrow(`evidence is kept in ${lab.folder}`);
    expect(existsSync(lab.folder)).toBe(true);
  });
});

test('until gives up', async () => {
  await expect(until('never so', () => false, 30)).rejects.toThrow('not within 30 ms: never so');
});
