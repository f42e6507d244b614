import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { pause, until } from '../../../support/until.ts';
import { testOf } from '../../lab-test.ts';
import { done, worker } from '../../model/worker.ts';
import { homeOf } from '../../programs.ts';

const test = testOf(homeOf('gemini'));
/** How long (ms) it stays silent: without a conversation to wait for, an agent is ready after a second. */
const SILENT_MS = 4_000;

test('gemini: is ready once its conversation is loaded, however late that is', async ({ lab }) => {
  const { model } = worker(done);
  await lab.prepare(model);
  const server = await lab.startServer();
  await lab.startAgent(server);
  const { job_id: jobId } = await lab.job(server);
  await until('it is done', () => lab.record(jobId).status === 'completed');
  await lab.settle(server);
  await server.ask('stop_agent', { name: lab.session });
  await until('its server is gone', () => !lab.hasServer);

  // It shows its box before it has read this, and reads this before it loads the conversation.
  const memory = join(lab.project, 'GEMINI.md');
  await execa('mkfifo', [memory]);
  const starting = server.ask('start_agent', { agent: 'gemini', resume_job: jobId });
  const pipe = await until('it reads', () => openSync(memory, constants.O_WRONLY | constants.O_NONBLOCK));
  await lab.shows('Type your message');
  await until('its server is there', () => lab.hasServer);
  expect(await Promise.race([starting, pause(SILENT_MS)])).toBeUndefined();
  expect(await lab.agentScreen()).not.toContain(jobId);

  writeSync(pipe, 'Be brief.');
  closeSync(pipe);
  rmSync(memory);
  const { ready, summary } = await starting;
  expect({ ready, summary }).toEqual({ ready: true, summary: expect.stringContaining(jobId) });
  expect(await lab.agentScreen()).toContain(jobId);
  await lab.say(`Job ${jobId}: go on where you were.`);
  await server.ask('stop_agent', { name: lab.session });
});
