import { describe, expect } from 'vitest';
import { testOf } from '../lab-test.ts';
import type { ModelRequest } from '../model/script.ts';
import { done, worker } from '../model/worker.ts';
import { HOMES } from '../programs.ts';

/** Arguments that a person may add, and that must not push ours aside. */
const ADDED: Readonly<Record<string, string[]>> = {
  'claude-code': [
    '--mcp-config',
    '{"mcpServers":{}}',
    '--allowedTools',
    'Read',
    '--append-system-prompt',
    'x',
  ],
  codex: ['-c', 'model_reasoning_effort="low"', '-c', 'mcp_servers.other={command="true",enabled=false}'],
  gemini: ['--approval-mode=auto_edit'],
  opencode: ['--log-level', 'ERROR'],
};
/** A model that each client accepts without asking its service. */
const MODEL: Readonly<Record<string, string>> = {
  'claude-code': 'sonnet',
  codex: 'another',
  gemini: 'gemini-2.5-flash',
  opencode: 'scripted/scripted',
};

describe.each(HOMES)('$kind', (home) => {
  const test = testOf(home);

  test('started with a model, variables and arguments, a peer keeps its server and its hooks', async ({
    lab,
  }) => {
    const bodies: ModelRequest[] = [];
    const { model } = worker(done);
    await lab.prepare(
      (request) => {
        bodies.push(request);
        return model(request);
      },
      { ask: true },
    );
    const modelName = MODEL[home.kind] ?? '';
    const options = ['--model', modelName, '--env', 'MINE=here'];
    const started = await lab.mam('start', home.kind, ...options, '--', ...(ADDED[home.kind] ?? []));
    expect(started.code, `${started.stderr}\n${await lab.agentScreen()}`).toBe(0);
    const server = await lab.startServer();
    const { job_id: id, peer_server } = await lab.job(server);
    expect(peer_server).toBe('connected');
    const { jobs } = await server.ask('wait_job', { job_id: id, timeout_seconds: 60 });
    expect(jobs[0], await lab.agentScreen()).toMatchObject({ status: 'completed', detail: 'All done.' });
    // No dialog for the two tools; its hooks report.
    expect(lab.record(id).requests).toEqual([]);
    expect(lab.events(id).some(({ type }) => type === 'acknowledged')).toBe(true);
    expect(await lab.tmux('show-environment', '-t', `=${lab.session}`, 'MINE')).toContain('MINE=here');
    const asked = bodies.map(({ body }) => JSON.stringify(body)).join('\n');
    // The others name it in the address of their request, or have only one here.
    if (['claude-code', 'codex'].includes(home.kind))
      expect(asked).toMatch(new RegExp(`"model":"[^"]*${modelName}`));
  });
});
