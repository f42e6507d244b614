import { defineConfig } from 'vitest/config';
import { measurePatience } from './test/support/patience.ts';
import { scratchFolder } from './test/support/scratch.ts';

/** The files run at the same time: a RabbitMQ that starts fills a core for seconds. */
const WORKERS = 2;

/** Real brokers and clusters, as Debian has them: `npm run test:brokers`. */
export default defineConfig(async () => {
  const patience = await measurePatience(WORKERS);
  return {
    test: {
      include: ['test/brokers/*.test.ts'],
      globalSetup: ['test/support/build.ts'],
      env: { TEST_PATIENCE: `${patience}`, TMPDIR: scratchFolder() },
      testTimeout: 60_000 * patience,
      hookTimeout: 120_000 * patience,
      maxWorkers: WORKERS,
    },
  };
});
