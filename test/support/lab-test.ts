import { test as base } from 'vitest';
import { Lab } from './lab.ts';

/** A test with a lab of its own, which is taken down after it; what is left behind fails the test. */
export const test = base.extend<{ lab: Lab }>({
  lab: async ({ task }, use) => {
    const lab = new Lab({ MAM_HUB_IDLE_SECONDS: '2' });
    await use(lab);
    await lab.end(task.result?.state === 'fail');
  },
});

/**
 * A test that shares its lab, with one hub and one tmux server, with the others of its file: for what looks at its own
 * jobs and peers only. It is taken down after the last; what is left behind fails the file.
 */
export const sharing = base.extend<{ lab: Lab; noted: undefined }>({
  lab: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      const lab = new Lab();
      await use(lab);
      await lab.end(failed.has(lab));
    },
    { scope: 'file' },
  ],
  noted: [
    async ({ lab, task }, use) => {
      await use(undefined);
      if (task.result?.state === 'fail') failed.add(lab);
    },
    { auto: true },
  ],
});

/** Labs with a test that fell: their evidence stays. */
const failed = new WeakSet<Lab>();
