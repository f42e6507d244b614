import { describe, expect } from 'vitest';
import { sharing as test } from '../support/lab-test.ts';
import { ownRegistry } from '../support/own-registry.ts';

describe.concurrent('a shell says', () => {
  test('that a job is for a person, how it ends, and that the time of a wait is up', async ({ lab }) => {
    const { env, mam } = ownRegistry(lab);
    const server = await lab.startServer(env);
    const { job_id: id, summary } = await server.ask('delegate_job', { prompt: 'Call mum', agent: 'human' });
    expect(summary).toBe(`Job ${id} is for a person, who ends it with \`mam done ${id} "THE OUTCOME"\`.`);
    const waited = await mam('wait', id, '--timeout', '1');
    expect(waited.code).toBe(3);
    expect(waited.stdout).toContain(`${id}  yours`);
    expect(waited.stdout).toContain(`next: mam done ${id} "THE OUTCOME"`);
    expect(waited.stderr).toMatch(/time is up after 1s; the job goes on\.\n$/);
    expect((await mam('status', id)).stdout).toMatch(/^status +yours$/m);
    expect((await server.ask('job_status', { job_id: id })).summary).toBe(
      `Job ${id} is for a person, who has not reported yet.`,
    );
  });

  test('which open jobs may be meant, first those that need someone, and how many more there are', async ({
    lab,
  }) => {
    const { env, mam } = ownRegistry(lab);
    const server = await lab.startServer(env);
    const ids: string[] = [];
    for (let n = 0; n < 7; n++)
      ids.push((await server.ask('delegate_job', { prompt: `Task ${n}`, agent: 'human' })).job_id);
    for (const id of [ids[3] ?? '', ids[6] ?? '']) await server.report(id, 'question', { detail: 'Which?' });
    for (const command of ['wait', 'cancel'])
      expect((await mam(command, 'nosuch')).stderr).toMatch(
        new RegExp(`Open jobs in \\S+: (${ids[3]}, ${ids[6]}|${ids[6]}, ${ids[3]}), .* and 2 more\\.`),
      );
  });

  test('its own options, also where a tool has others', async ({ lab }) => {
    const { mam } = ownRegistry(lab);
    const notified = await mam('submit', 'Call mum', '--agent', 'human', '--notify', 'pane', '--no-wait');
    expect(notified).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('this shell is not in one. Leave out --notify'),
    });
    const folder = await mam('submit', 'Call mum', '--agent', 'human', '--validate', '.');
    expect(folder).toMatchObject({ code: 64, stderr: expect.stringContaining(' is a folder. ') });
    const prompt = await mam('submit', '--prompt-file', '.', '--agent', 'human');
    expect(prompt).toMatchObject({ code: 64, stderr: expect.stringContaining('. is a folder. ') });
  });
});
