import { expect } from 'vitest';
import { identify, isAlive } from '../../src/base/process-id.ts';
import { standingOf } from '../../src/hub/panes/losses.ts';
import type { TmuxServers } from '../../src/hub/panes/tmux-servers.ts';
import { TmuxServer } from '../../src/tmux/control.ts';
import { test } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

test('a pane that is killed while the panes are listed is reported as gone', async ({ lab }) => {
  await lab.startSession('other', 'exec sleep 1000');
  const peer = await lab.startPeer('mute');
  const agent = { ...identify(peer.pid), command: 'peer', pane_pid: peer.pid };
  const server = new TmuxServer(lab.socket);
  let killed = false;
  const killing = new Proxy(server, {
    get(target, name) {
      if (name !== 'command') return Reflect.get(target, name);
      return async (command: string) => {
        const answer = await target.command(command);
        if (!killed && command.startsWith('list-panes')) {
          killed = true;
          await target.command(`kill-pane -t ${peer.pane}`);
          await until('its agent has ended', () => !isAlive(agent));
        }
        return answer;
      };
    },
  });
  const agent_session = { socket: lab.socket, session: peer.session, pane: peer.pane };
  const servers = { get: () => killing } as unknown as TmuxServers;
  const standing = await standingOf(servers, { agent_session, agent_process: agent });
  await server.close();
  expect(standing).toEqual({ lost: `Pane ${peer.pane} of session ${peer.session} is gone.` });
});
