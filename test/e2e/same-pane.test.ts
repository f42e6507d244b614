import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { sharing } from '../support/lab-test.ts';

/** A server of a client session in a pane. */
const inPane = (lab: Lab, session: string, pane: string, tmuxPid = 1) =>
  lab.startServer({
    TMUX: `${lab.socket},${tmuxPid},0`,
    TMUX_PANE: pane,
    CLAUDE_CODE_SESSION_ID: session,
  });

describe('a new session of a client in the same pane', () => {
  sharing('finds the job of a request_key, and waits for the open jobs of the pane', async ({ lab }) => {
    const first = await inPane(lab, 'before', '%70');
    const peer = await lab.startPeer('mute');
    const made = await first.delegate(peer, { request_key: 'roof' });
    const later = await inPane(lab, 'after', '%70');
    expect(await later.delegate(peer, { request_key: 'roof' })).toMatchObject({
      job_id: made.job_id,
      repeated: true,
    });
    expect((await later.ask('list_jobs', { mine: true })).jobs).toMatchObject([{ job_id: made.job_id }]);
    const wait = later.wait();
    await (await lab.reporter).report(made.job_id, 'completed');
    expect((await wait.answer).jobs).toMatchObject([{ job_id: made.job_id, status: 'completed' }]);
  });

  sharing('gets the job of its request_key while the previous call is pending', async ({ lab, peer }) => {
    const servers = [await inPane(lab, 'cut', '%74'), await inPane(lab, 'resumed', '%74')];
    const made = await Promise.all(servers.map((server) => server.delegate(peer, { request_key: 'wall' })));
    expect(new Set(made.map(({ job_id: id }) => id)).size).toBe(1);
    expect(made.map(({ repeated }) => repeated).sort()).toEqual([false, true]);
  });

  sharing('is not another pane, and not one of a later tmux server that has the same id', async ({ lab }) => {
    const first = await inPane(lab, 'one', '%71');
    const peer = await lab.startPeer('mute');
    const { job_id: id } = await first.delegate(peer, { request_key: 'floor' });
    for (const other of [await inPane(lab, 'two', '%72'), await inPane(lab, 'three', '%71', 2)]) {
      expect((await other.ask('list_jobs', { mine: true })).jobs).toEqual([]);
      expect((await other.delegate(peer, { request_key: 'floor' })).job_id).not.toBe(id);
    }
  });

  sharing('in a shell, too', async ({ lab }) => {
    const env = (session: string) => ({
      ...{ TMUX: `${lab.socket},1,0`, TMUX_PANE: '%73', CLAUDE_CODE_SESSION_ID: session },
    });
    const args = ['submit', '--agent', 'human', '--no-wait', '--prompt', 'x', '--request-key', 'k', '--json'];
    const made = await lab.start(args, { env: env('before'), input: '' }).ended;
    const again = await lab.start(args, { env: env('after'), input: '' }).ended;
    expect(JSON.parse(again.stdout)).toMatchObject({
      job_id: JSON.parse(made.stdout).job_id,
      repeated: true,
    });
  });
});
