import { test as base } from 'vitest';
import type { AgentHome } from './homes/home.ts';
import { AgentLab } from './lab.ts';
import { Supervisor } from './supervisor.ts';

/** A test with a lab of this agent's own, and the agent as a supervisor in it. */
export function testOf(home: AgentHome) {
  return base.extend<{ lab: AgentLab; client: Supervisor }>({
    lab: async ({ task }, use) => {
      const lab = new AgentLab(home);
      await use(lab);
      await lab.end(task.result?.state === 'fail');
    },
    client: async ({ lab }, use) => use(new Supervisor(lab)),
  });
}
