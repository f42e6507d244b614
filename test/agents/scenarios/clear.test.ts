import { expect } from 'vitest';
import { clearKeysOf, lookFor } from '../../../src/agents/index.ts';
import { composeOrder } from '../../../src/job/order.ts';
import { clearOwnText } from '../../../src/tmux/clear.ts';
import { TmuxServer } from '../../../src/tmux/control.ts';
import { deliver, type Target } from '../../../src/tmux/deliver.ts';
import { PLACEHOLDER } from '../../../src/tmux/own-text.ts';
import { listPanes } from '../../../src/tmux/pane.ts';
import { foreground } from '../../../src/tmux/process.ts';
import { shoot } from '../../../src/tmux/screen.ts';
import { promptOf, standing } from '../../../src/tmux/standing.ts';
import { release } from '../../../src/tmux/typing-claim.ts';
import { until } from '../../support/until.ts';
import { testOf } from '../lab-test.ts';
import { HOMES } from '../programs.ts';

for (const home of HOMES)
  testOf(home)(`${home.kind}: our unsubmitted text leaves its box, and it lives`, async ({ lab }) => {
    await lab.prepare(() => ({ say: 'As you wish.' }));
    const server = await lab.startServer();
    await lab.startAgent(server);
    const tmux = new TmuxServer(lab.socket);
    lab.onEnd(() => tmux.close());
    const pane = (await listPanes(tmux)).find(({ session }) => session === lab.session);
    const agent = pane && foreground(pane);
    if (pane === undefined || agent === undefined) throw new Error('no agent');
    const target: Target = { pane: pane.pane, pane_pid: pane.pane_pid, agent };
    const id = 'mend-the-roof-abcd1234';
    for (const prompt of ['Mend the roof', undefined]) {
      const text = composeOrder(
        { job_id: id },
        { prompt, taskFile: '/home/user/project/.mam/jobs/prompt.md' },
      );
      const look = lookFor({ agent: home.kind, job_id: id });
      const stop = new AbortController();
      let before = '';
      let placeholder: string | undefined;
      const end = await deliver({ server: tmux, target }, text, look, {
        pasting: async (shot) => {
          before = promptOf(shot);
        },
        visible: (_, mark) => {
          if (mark !== undefined && PLACEHOLDER.test(mark)) placeholder = mark;
          stop.abort();
        },
        submitted: () => {},
        stop: stop.signal,
      });
      expect(end).toEqual({ kind: 'stopped', remains: true });
      // Otherwise the hub waits for this process, which it takes for another hub.
      await release(tmux, pane.pane);
      const pasted = { text, prompt: before, placeholder };
      await until('it is whole', async () => {
        const now = await shoot(tmux, pane.pane);
        return now !== undefined && standing(now, pasted) === 'alone';
      });
      const keys = clearKeysOf(home.kind, undefined, text) ?? [];
      expect(await clearOwnText({ server: tmux, target }, pasted, keys, look.patterns)).toBe(true);
      await until('it is gone', async () => {
        const now = await shoot(tmux, pane.pane);
        return now !== undefined && standing(now, pasted) === 'none';
      });
      expect(await clearOwnText({ server: tmux, target }, pasted, keys, look.patterns)).toBe(false);
      // In an empty box they do nothing, however often.
      for (let times = 0; times < 4; times++) await lab.type(...keys);
      await lab.settle(server);
    }
  });
