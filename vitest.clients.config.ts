import { defineConfig } from 'vitest/config';

/** MCP Inspector and the conformance suite against the built server: `npm run test:clients`. */
export default defineConfig({
  test: {
    include: ['test/clients/*.test.ts'],
    globalSetup: ['test/support/build.ts', 'test/clients/install.ts'],
    testTimeout: 60_000,
  },
});
