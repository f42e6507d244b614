import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { measurePatience } from './test/support/patience.ts';
import { scratchFolder } from './test/support/scratch.ts';
import { LongWaitsEarly } from './test/support/sequencer.ts';

/** Most tests wait for other processes most of the time. */
const WORKERS = 4 * availableParallelism();

export default defineConfig(async () => {
  const patience = await measurePatience(WORKERS);
  return {
    test: {
      include: ['test/**/*.test.ts'],
      // They need programs that are installed for them: npm run test:agents, test:brokers, test:clients.
      exclude: ['test/agents/scenarios/**', 'test/brokers/**', 'test/clients/**'],
      globalSetup: ['test/support/build.ts'],
      env: { TEST_PATIENCE: `${patience}`, TMPDIR: scratchFolder() },
      // Only a test that hangs takes so long; what is due within one is waited for by `until`.
      testTimeout: 40_000 * patience,
      hookTimeout: 40_000 * patience,
      // A worker loads what tests share once: nothing in here changes it. A test's own world is its lab.
      isolate: false,
      maxWorkers: WORKERS,
      sequence: { sequencer: LongWaitsEarly },
    },
  };
});
