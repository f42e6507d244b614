import { describe, expect } from 'vitest';
import { test } from '../support/lab-test.ts';
import { attachClient, detachClient, robotKind, sessionsIn } from '../support/robots.ts';
import { until } from '../support/until.ts';

describe('mam stop --idle', () => {
  test('ends what mam has started and nobody uses, and names the rest with the reason', async ({ lab }) => {
    const kinds = { robot: robotKind(lab), quiet: robotKind(lab, '--report', 'started') };
    lab.configure({ agents: { ...kinds, asking: robotKind(lab, '--dialog') } });
    const names = ['idle', 'watched', 'drafted', 'split', 'working', 'asking', 'own'];
    for (const name of names) lab.sessions.add(name);
    await lab.startSession('own', 'exec sleep 1000');
    for (const name of ['idle', 'watched', 'drafted', 'split'])
      expect((await lab.mam('start', 'robot', '--name', name)).code).toBe(0);
    await lab.mam('start', 'asking', '--name', 'asking');
    await lab.mam('start', 'quiet', '--name', 'working');
    const job = await lab.json(
      'submit',
      'Mend it',
      '--agent',
      'quiet',
      '--agent-session',
      'working',
      '--no-wait',
    );
    const client = await attachClient(lab, 'watched');
    await lab.tmux('send-keys', '-t', '=drafted:', 'half a thought');
    await lab.tmux('split-window', '-d', '-t', '=split:', 'exec sleep 1000');
    await until('the draft is shown', async () =>
      (await lab.tmux('capture-pane', '-p', '-t', '=drafted:')).includes('half a thought'),
    );

    const first = await lab.json('stop', '--idle');
    expect(first['stopped']).toMatchObject([{ agent: 'robot', target: 'tmux:idle' }]);
    const why = Object.fromEntries(
      (first['left'] as { target: string; why: string }[]).map((row) => [row.target, row.why]),
    );
    expect(why).toEqual({
      'tmux:watched': 'somebody is attached to it',
      'tmux:drafted': expect.stringContaining('it shows no empty input box'),
      'tmux:split': 'its session has other panes',
      'tmux:working': `job ${job['job_id']} is open in it`,
      'tmux:asking': expect.stringContaining('it shows a dialog'),
    });
    expect(JSON.stringify(first)).not.toContain('half a thought');
    expect((await sessionsIn(lab)).sort()).toEqual(names.filter((name) => name !== 'idle').sort());

    await detachClient(lab, 'watched', client);
    const second = await lab.mam('stop', '--idle');
    expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('ended: tmux:watched\n') });
    expect(second.stdout).toContain(`left:  tmux:working: job ${job['job_id']} is open in it`);
    await lab.mam('cancel', String(job['job_id']));
    for (const name of ['drafted', 'split', 'working', 'asking']) await lab.mam('stop', `tmux:${name}`);
  });

  test('needs no tmux server, and is about all sessions of this host', async ({ lab }) => {
    expect((await lab.mam('stop', '--idle')).stdout).toContain('No agent that mam has started is running');
    expect(await lab.mam('stop', '--idle', 'codex')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('--idle is about all sessions.'),
    });
    expect((await lab.mam('stop')).stderr).toContain('NAME is missing. Name a session');
  });
});
