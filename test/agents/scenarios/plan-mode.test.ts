import { describe, expect } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import { testOf } from '../lab-test.ts';
import { done, worker } from '../model/worker.ts';
import { HOMES } from '../programs.ts';

/** How each starts in plan mode; Codex has no option for it. */
const PLAN: Readonly<Record<string, { args: string[]; shows: RegExp }>> = {
  'claude-code': { args: ['--permission-mode', 'plan'], shows: /plan mode on/ },
  gemini: { args: ['--approval-mode', 'plan'], shows: /\bplan\b/ },
  opencode: { args: ['--agent', 'plan'], shows: /\bPlan\b/ },
};

describe.each(HOMES)('$kind', (home) => {
  const test = testOf(home);

  test.skipIf(!(home.kind in PLAN))('in plan mode its reports need no permission', async ({ lab }) => {
    const { args = [], shows = /x/ } = PLAN[home.kind] ?? {};
    await lab.prepare(worker(done).model, { ask: true });
    lab.configure({
      agents: { [home.kind]: { command: [builtIn(home.kind)?.start?.program ?? '', ...args] } },
    });
    // A server with our name that comes with the project is not used.
    lab.expected.push(/^p\/\.mcp\.json$/);
    lab.write('.mcp.json', JSON.stringify({ mcpServers: { mam: { command: 'false' } } }));
    const server = await lab.startServer();
    await lab.startAgent(server);
    await lab.shows(shows);
    const { job_id: jobId } = await lab.job(server);
    const answer = await server.ask('wait_job', { job_id: jobId, timeout_seconds: 40 });
    expect(answer, JSON.stringify(answer)).toMatchObject({
      outcome: 'final',
      jobs: [{ status: 'completed' }],
    });
    expect(lab.record(jobId).requests).toEqual([]);
  });
});
