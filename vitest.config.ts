import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They need programs that are installed for them: npm run test:agents, npm run test:clients.
    exclude: ['test/agents/scenarios/**', 'test/clients/**'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 20_000,
  },
});
