import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import { PROGRAM } from '../../support/mcp-client.ts';
import { until } from '../../support/until.ts';
import type { AgentLab } from '../lab.ts';
import { testOf } from '../lab-test.ts';
import type { ModelRequest, ModelStep } from '../model/script.ts';
import { done, worker } from '../model/worker.ts';
import { HOMES } from '../programs.ts';

/** How the client itself reports that it has our server. */
const LISTED: Readonly<Record<string, RegExp>> = {
  'claude-code': /^mam: .*Connected$/m,
  // It does not start the server for this.
  codex: /^mam +.* enabled\b/m,
  gemini: /^✓ mam: .* - Connected$/m,
  opencode: /✓ mam .*connected/,
};
/** A project's servers need approval, which only its dialog can give. */
const LISTED_IN_PROJECT: typeof LISTED = { ...LISTED, 'claude-code': /^mam: .*Pending approval/m };
const ANY = /\bmam\b.*(?:onnected|enabled|approval)/;

describe.each(HOMES)('$kind', (home) => {
  const test = testOf(home);
  const program = builtIn(home.kind)?.start?.program ?? home.kind;
  const install = async (lab: AgentLab, ...args: string[]) => {
    // A running client writes its file as well: then mam says to run this again.
    let ended = await lab.mam('install', home.kind, ...args);
    while (/was changed by something else just now/.test(ended.stderr))
      ended = await lab.mam('install', home.kind, ...args);
    expect(ended.code, ended.stderr).toBe(0);
  };
  /** What the client says about its servers, with or without colours. */
  const list = async (lab: AgentLab) => {
    const { stdout, stderr } = await lab.run(program, ['mcp', 'list']);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with it
    return `${stdout}\n${stderr}`.replaceAll(/\x1b\[[0-9;]*m/g, '');
  };

  test.for([
    { where: 'all projects', scope: [], listed: LISTED },
    { where: 'one project', scope: ['--project'], listed: LISTED_IN_PROJECT },
  ])('installed for $where: it has the server; uninstalled, no more', async ({ scope, listed }, { lab }) => {
    // A project's file names the command, not where it is here.
    symlinkSync(PROGRAM, join(lab.folder, 'bin', 'mam'));
    await lab.prepare(worker(done).model);
    expect(await list(lab)).not.toMatch(ANY);
    await install(lab, ...scope);
    expect(await list(lab)).toMatch(listed[home.kind] as RegExp);
    await install(lab, ...scope, '--uninstall');
    expect(await list(lab)).not.toMatch(ANY);
  });

  test('installed with --allow-supervisor, it delegates, waits and cancels without being asked', async ({
    lab,
  }) => {
    const calls: ((jobId: string) => ModelStep)[] = [
      () => ({ call: 'delegate_job', args: { prompt: 'Hang up the key', agent: 'human' } }),
      (job_id) => ({ call: 'wait_job', args: { job_id, timeout_seconds: 1 } }),
      () => ({ call: 'list_agents', args: {} }),
      (job_id) => ({
        call: 'verify_job',
        args: { job_id, validate: lab.write('check.sh', 'echo checked\n') },
      }),
      (job_id) => ({ call: 'cancel_job', args: { job_id } }),
    ];
    let last: ModelRequest | undefined;
    await lab.prepare(
      (request) => {
        last = request;
        const id = /\bjob_id\W+([a-z0-9-]+)/.exec(request.results[0]?.text ?? '')?.[1];
        return calls[request.results.length]?.(id ?? '') ?? { say: 'The key can wait.' };
      },
      { ask: true },
    );
    await install(lab, '--allow-supervisor');
    // It installs again, without the option: what was asked for before stays.
    await lab.startByHand();
    await lab.say('Have the key hung up.');
    await until('its model has every answer, or it asks', async () => {
      expect(await lab.dialog(), await lab.agentScreen()).toBeUndefined();
      return last?.results.length === calls.length;
    });
    for (const { tool, text } of last?.results ?? []) expect(text, tool).toMatch(/"summary":/);
    await install(lab, '--uninstall');
  });

  test('installed, a peer that a person starts reports without being asked', async ({ lab }) => {
    const { model } = worker(done);
    await lab.prepare(model, { ask: true });
    await lab.startByHand();
    const server = await lab.startServer();
    const { job_id: jobId, peer_server } = await lab.job(server);
    expect(peer_server).toBe('connected');
    const { jobs } = await server.ask('wait_job', { job_id: jobId, timeout_seconds: 60 });
    expect(jobs[0], await lab.agentScreen()).toMatchObject({ status: 'completed', detail: 'All done.' });
    expect(lab.record(jobId).requests).toEqual([]);
    await install(lab, '--uninstall');
  });
});
