import { defineConfig } from 'vitest/config';
import { HOMES } from './test/agents/programs.ts';

/** The scenarios with the real agents: `npm run test:agents`. Each agent is a project of its own. */
export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts'],
    // The start of an agent is work, most of the rest is waiting: two cores carry so many at once.
    maxWorkers: 4,
    projects: HOMES.map(({ kind, npm }) => ({
      test: {
        name: kind,
        include: ['test/agents/scenarios/*.test.ts', `test/agents/scenarios/${kind}/*.test.ts`],
        env: { TEST_AGENTS: `${kind}@${npm.version}`, TEST_PATIENCE: '4' },
        testTimeout: 180_000,
      },
    })),
  },
});
