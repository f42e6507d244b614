import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import { sharingWith } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

const AGENTS = { turning: { ready: '^READY> *$', busy: 'esc to interrupt' }, plain: {} };
const sharing = sharingWith({ agents: AGENTS });

const picture = (lab: Lab, id: string) => readFileSync(`${lab.paths(id).folder}/screen.txt`, 'utf8');
const shows = (lab: Lab, id: string, words: string) =>
  until(`the picture of ${id} shows ${words}`, () => picture(lab, id).includes(words) && picture(lab, id));

describe('the picture of an ended job', () => {
  sharing.for(['turning', 'plain'] as const)(
    'is taken at the end of the turn, with an earlier one before (%s)',
    async (agent, { lab, server }) => {
      const peer = await lab.startPeer('good', { session: agent, args: ['--turn'] });
      const { job_id } = await server.ask('delegate_job', {
        ...{ prompt: 'Mend the roof', agent, agent_session: peer.address },
      });
      expect((await server.ask('wait_job', { job_id })).outcome).toBe('final');
      expect(await shows(lab, job_id, 'esc to interrupt')).not.toContain('THE ANSWER');
      const look = () => server.ask('job_logs', { job_id, include: ['screen'] });
      expect(await look()).toMatchObject({ screen_live: true });
      await lab.tmux('send-keys', '-t', peer.pane, 'e');
      expect(await shows(lab, job_id, 'THE ANSWER')).not.toContain('esc to interrupt');
      expect(await look()).toMatchObject({
        screen_live: false,
        screen: expect.stringContaining('THE ANSWER'),
      });
    },
  );

  sharing('does not contain the next order in the same pane', async ({ lab, server }) => {
    const peer = await lab.startPeer('good', { session: 'two', args: ['--turn'] });
    const job = { prompt: 'Mend it', agent: 'turning', agent_session: peer.address };
    const [one, two] = [await server.ask('delegate_job', job), await server.ask('delegate_job', job)];
    await lab.event(one.job_id, 'completed');
    await shows(lab, one.job_id, 'esc to interrupt');
    await lab.tmux('send-keys', '-t', peer.pane, 'e');
    await lab.event(two.job_id, 'completed');
    expect(await shows(lab, one.job_id, 'THE ANSWER')).not.toContain(two.job_id);
    // The last look of a hub that ends is the best available.
    await lab.tmux('send-keys', '-t', peer.pane, 'e');
    await until('it is on the screen', async () => (await lab.screen(peer)).includes('THE ANSWER'));
    await lab.mam('hub', 'stop');
    expect(picture(lab, two.job_id)).toContain('THE ANSWER');
  });

  sharing('is the last one seen of a pane that goes away', async ({ lab, server }) => {
    const peer = await lab.startPeer('good', { session: 'gone', args: ['--turn'] });
    const { job_id } = await server.ask('delegate_job', {
      ...{ prompt: 'Mend it', agent: 'turning', agent_session: peer.address },
    });
    expect((await server.ask('wait_job', { job_id })).outcome).toBe('final');
    await shows(lab, job_id, 'esc to interrupt');
    await lab.tmux('kill-pane', '-t', peer.pane);
    const look = () => server.ask('job_logs', { job_id, include: ['screen'] });
    await until('it is no longer looked at', async () => (await look()).screen_live === false);
    expect((await look()).screen).toContain('esc to interrupt');
  });
});
