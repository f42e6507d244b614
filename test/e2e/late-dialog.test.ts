import { expect } from 'vitest';
import { test } from '../support/lab-test.ts';

/** Before any look that is due to the clock alone. */
const SOON_SECONDS = 12;

test('a dialog that is drawn last in a second is reported, each time', async ({ lab }) => {
  const commands = Array.from({ length: 4 }, (_, n) => `touch late-${n}`);
  const asks = commands.flatMap((command) => ['--ask', command]);
  await lab.startAsker('--kind', 'codex', ...asks, '--silent', '--late');
  const server = await lab.startServer();
  const { job_id } = await server.ask('delegate_job', {
    prompt: 'Mend the roof',
    agent: 'codex',
    agent_session: 'tmux:asker',
  });
  for (const [n, command] of commands.entries()) {
    const { outcome, jobs } = await server.ask('wait_job', { job_id, timeout_seconds: SOON_SECONDS });
    expect(outcome, command).toBe('needs_attention');
    expect(jobs[0].open_request).toBe(`Bash: ${command}`);
    // The point in a second at which tmux reports output differs for each hub.
    if (n === 1) await lab.mam('hub', 'stop');
    await server.ask('answer_job', { job_id, decision: 'allow' });
  }
});
