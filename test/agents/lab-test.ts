import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, test as base } from 'vitest';
import type { LabServer } from '../support/lab-server.ts';
import type { AgentHome } from './homes/home.ts';
import { AgentLab } from './lab.ts';
import type { Model } from './model/script.ts';
import { Supervisor } from './supervisor.ts';

/** A test with a separate lab for this agent, and the agent as a supervisor in it. */
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

const SILENT: Model = () => ({ say: 'As you wish.' });

/** How an agent that several tests use was started. */
export interface SharedOptions {
  ask?: boolean;
  /** Started by a person, without our hooks. */
  byHand?: boolean;
}

/** A lab whose agent runs, and the supervisor in it. */
interface Running {
  lab: AgentLab;
  server: LabServer;
}

/**
 * Tests of one `describe` that use one agent one after another, as a user's jobs do: starting it costs more than most
 * of the tests. Each finds it idle, without an open job, in a project without files. The first test after a failure
 * gets a new agent.
 */
export function sharedTestOf(home: AgentHome, options: SharedOptions = {}) {
  let running: Running | undefined;
  afterAll(async () => {
    const last = running;
    running = undefined;
    await last?.lab.end();
  });
  return base.extend<{ shared: Running; lab: AgentLab; server: LabServer }>({
    shared: async ({ task }, use) => {
      const one = running ?? (await begin(home, options));
      running = undefined;
      await use(one);
      if (task.result?.state === 'fail') return one.lab.end(true);
      try {
        await tidy(one);
      } catch (error) {
        await one.lab.end(true).catch((more: Error) => {
          throw new Error(`${(error as Error).message}\n${more.message}`);
        });
      }
      running = one;
      return undefined;
    },
    lab: async ({ shared }, use) => use(shared.lab),
    server: async ({ shared }, use) => use(shared.server),
  });
}

async function begin(home: AgentHome, { ask = false, byHand = false }: SharedOptions): Promise<Running> {
  const lab = new AgentLab(home);
  try {
    await lab.prepare(SILENT, { ask });
    const server = await lab.startServer();
    if (byHand) await lab.startByHand();
    else await lab.startAgent(server);
    return { lab, server };
  } catch (error) {
    await lab.end(true).catch((more: Error) => {
      throw new Error(`${(error as Error).message}\n${more.message}`);
    });
    throw error;
  }
}

/** Prepares the agent for the next test: a person denies what it still asks for, and its model says nothing more. */
async function tidy({ lab, server }: Running): Promise<void> {
  lab.serve(SILENT);
  await lab.settle(server);
  for (const name of readdirSync(lab.project).filter((entry) => !entry.startsWith('.')))
    rmSync(join(lab.project, name), { recursive: true });
}
