import { defineConfig } from 'vitest/config';

/** The scenarios with the real agents: `npm run test:agents`. */
export default defineConfig({
  test: {
    include: ['test/agents/scenarios/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    // Two cores carry one agent at a time.
    fileParallelism: false,
    env: { TEST_PATIENCE: '4' },
    testTimeout: 180_000,
  },
});
