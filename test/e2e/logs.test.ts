import { describe, expect } from 'vitest';
import { sharing as test } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

describe.concurrent('the audit log of a job in a pane', () => {
  test('has the delivery receipt with its evidence, and the check', async ({ lab, server }) => {
    const validate = lab.write('check.sh', 'echo "2 tests, 1 failed"; exit 3\n');
    const peer = await lab.startPeer('good');
    const { job_id: id } = await server.delegate(peer, { validate });
    await server.ask('wait_job', { job_id: id });
    const { code, stdout } = await lab.mam('logs', id);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^agent +command in tmux:good ${peer.pane}$`, 'm'));
    expect(stdout).toMatch(/^from +lab/m);
    expect(stdout).toMatch(/ delivered +in [\d.]+ (ms|s)/);
    expect(stdout).not.toMatch(/ (pasting|visible|submitted) /);
    expect(stdout).toMatch(/ started +\+[\d.]+ (ms|s)/);
    const { stdout: all } = await lab.mam('logs', id, '--all');
    expect(all).toContain(`queued        for tmux:good ${peer.pane}`);
    for (const stage of ['pasting', 'visible', 'submitted', 'started'])
      expect(all).toMatch(new RegExp(` ${stage} +\\+[\\d.]+ (ms|s)`));
    expect(stdout).toMatch(/validated +FAIL \(exit 3\)\n +output: │ 2 tests, 1 failed\n/);
    expect(stdout).toMatch(/^ended +failed \(validation_failed\)/m);
    const { events, validation_output } = await server.ask('job_logs', {
      job_id: id,
      include: ['events', 'validation'],
    });
    expect(events.find(({ type }: { type: string }) => type === 'visible')).toMatchObject({
      by: 'hub',
      evidence: expect.stringMatching(/\w/),
      stage_ms: expect.any(Number),
    });
    expect(validation_output).toBe('2 tests, 1 failed\n');
  });

  test('shows the screen of a job that is open, then the one at its end', async ({ lab, server }) => {
    const peer = await lab.startPeer('mute');
    const reporter = await lab.reporter;
    const { job_id: id } = await server.delegate(peer);
    const live = await server.ask('job_logs', { job_id: id, include: ['screen'] });
    expect(live).toMatchObject({ screen_live: true, events: [], screen: expect.stringContaining('READY>') });
    expect((await lab.mam('logs', id, '--include', 'screen')).stdout).toContain('The screen now\n');
    await reporter.report(id, 'completed');
    const last = await until('the picture is taken', async () => {
      const log = await server.ask('job_logs', { job_id: id, include: ['screen'] });
      return log.screen_live === false && log;
    });
    expect(last).toMatchObject({ screen_live: false, screen: expect.stringContaining('READY>') });
  });
});
