import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';

const PEER = join(import.meta.dirname, '../peers/peer.mjs');

/** A kind that a user's script starts. @param word before the agent's command */
function scripted(lab: Lab, word: string): void {
  lab.sessions.add('robot');
  lab.expected.push(/^peer-robot\.log$/);
  const agent = [process.execPath, PEER, '--log', `${lab.folder}/peer-robot.log`, '--mam', PROGRAM];
  const command = agent.map((one) => `'${one}'`).join(' ');
  const script = lab.write('robot.sh', `#!/bin/sh\n${word} ${command}\nexit $?\n`, 0o755);
  lab.configure({
    agents: { robot: { session: 'robot', command: [script], ready: '^READY> *$', busy: '^WORKING' } },
  });
}

describe('an agent that a script starts', () => {
  test('with exec is ready and gets its job', async ({ lab }) => {
    scripted(lab, 'exec');
    const server = await lab.startServer();
    expect(await server.ask('start_agent', { agent: 'robot' })).toMatchObject({ ready: true });
    const { job_id } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'robot' });
    expect((await server.ask('wait_job', { job_id })).jobs[0].status).toBe('completed');
    await server.ask('stop_agent', { name: 'robot' });
  });

  test('without exec is not ready, and a job for it says what to do', async ({ lab }) => {
    scripted(lab, '');
    const server = await lab.startServer();
    const started = await server.ask('start_agent', { agent: 'robot' });
    expect(started).toMatchObject({ ready: false, waits_for: expect.stringContaining('Put `exec` before') });
    await server.ask('stop_agent', { name: 'robot' });
    const job = { prompt: 'Mend the roof', agent: 'robot', start: true };
    const { job_id } = await server.ask('delegate_job', job);
    const { outcome, jobs } = await server.ask('wait_job', { job_id });
    expect(outcome).toBe('needs_attention');
    expect(jobs[0]).toMatchObject({ job_id, status: 'queued', blocked_by: 'unreachable' });
    expect(lab.record(job_id).detail).toContain('Put `exec` before');
    await server.ask('cancel_job', { job_id });
    await server.ask('stop_agent', { name: 'robot' });
  });
});
