import { test as base } from 'vitest';
import { Lab } from './lab.ts';

/** A test with a lab of its own, which is taken down after it; what is left behind fails the test. */
export const test = base.extend<{ lab: Lab }>({
  lab: async ({ task }, use) => {
    const lab = new Lab();
    await use(lab);
    await lab.end(task.result?.state === 'fail');
  },
});
