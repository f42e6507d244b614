import { signal } from '../../support/processes.ts';
import { pause } from '../../support/until.ts';
import { isHub, type World } from '../world.ts';
import type { Fault } from './fault.ts';

/** The machine reboots: everything ends at once, including the tmux server, and the boot id changes. */
export const reboot: Fault = {
  name: 'reboot',
  share: 1,
  make(world) {
    return world.alone(async () => {
      const ended = await endAll(world);
      if (world.mounts.boot) world.newBootId();
      return `${ended} processes, boot id ${world.mounts.boot ? 'changed' : 'kept'}`;
    });
  },
};

async function endAll(world: World): Promise<number> {
  let ended = 0;
  for (let none = 0; none < 2; ) {
    const { processes } = world.lab;
    const servers = new Map(world.servers.map(([, server]) => [server.pid, server]));
    for (const { pid, command } of processes) {
      ended++;
      if (isHub(command)) world.killHub(pid);
      else if (servers.has(pid)) servers.get(pid)?.child.kill('SIGKILL');
      else signal(pid, 'SIGKILL');
    }
    none = processes.length === 0 ? none + 1 : 0;
    await pause(10);
  }
  world.lab.sessions.clear();
  return ended;
}
