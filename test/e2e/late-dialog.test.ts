import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { Peer } from '../support/peer.ts';
import { until } from '../support/until.ts';

const AGENT = join(import.meta.dirname, '../peers/dialogs.mjs');
/** Before any look that comes by the clock alone. */
const SOON_SECONDS = 12;

test('a dialog that is drawn last in a second is told, each time', async ({ lab }) => {
  const commands = Array.from({ length: 10 }, (_, n) => `touch late-${n}`);
  const log = join(lab.folder, 'peer-1.log');
  const asks = commands.flatMap((command) => ['--ask', command]);
  const words = [process.execPath, AGENT, '--log', log, '--mam', PROGRAM, '--kind', 'codex', ...asks];
  const all = [...words, '--silent', '--late'].map((word) => `'${word}'`).join(' ');
  await lab.startSession('asker', `exec ${all}`);
  const pane = await lab.tmux('display-message', '-p', '-t', '=asker:', '#{pane_id}');
  const agent = new Peer('asker', pane, log);
  await until('the agent is ready', () => agent.isReady);
  const server = await lab.startServer();
  const { job_id } = await server.ask('delegate_job', {
    prompt: 'Mend the roof',
    agent: 'codex',
    agent_session: 'tmux:asker',
  });
  for (const command of commands) {
    const { outcome, jobs } = await server.ask('wait_job', { job_id, timeout_seconds: SOON_SECONDS });
    expect(outcome, command).toBe('needs_attention');
    expect(jobs[0].open_request).toBe(`Bash: ${command}`);
    await server.ask('answer_job', { job_id, decision: 'allow' });
  }
});
