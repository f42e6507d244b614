import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need the agents' programs: npm run test:agents.
    exclude: ['test/agents/scenarios/**'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 20_000,
  },
});
