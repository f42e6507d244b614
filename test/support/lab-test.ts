import { test as base } from 'vitest';
import { Lab } from './lab.ts';
import type { LabServer } from './lab-server.ts';
import type { Peer } from './peer.ts';

/** What a test requests by name: only that is started. */
interface World {
  lab: Lab;
  /** A supervisor's. */
  server: LabServer;
  /** One in the peer role, outside any pane, to report with. */
  reporter: LabServer;
  /** A peer that takes its order and never reports, for this test only. */
  peer: Peer;
}

/** A test with its own lab, which is taken down afterwards; anything left behind fails the test. */
export const test = base.extend<World>({
  lab: async ({ task }, use) => {
    const lab = new Lab({ MAM_HUB_IDLE_SECONDS: '2' });
    await use(lab);
    await lab.end(task.result?.state === 'fail');
  },
  server: async ({ lab }, use) => use(await lab.startServer()),
  reporter: async ({ lab }, use) => use(await lab.reporter),
  peer: async ({ lab }, use) => use(await lab.startPeer('mute')),
});

/**
 * A test that shares its lab, with one hub, one tmux server and one supervisor, with the others of its file: for tests
 * that look only at their own jobs and peers. It is taken down after the last; anything left behind fails the file.
 * @param config the user's own configuration
 */
export function sharingWith(config?: object) {
  return base.extend<World & { noted: undefined }>({
    lab: [
      // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern what a fixture needs
      async ({}, use) => {
        const lab = new Lab();
        if (config !== undefined) lab.configure(config);
        await use(lab);
        await lab.end(failed.has(lab));
      },
      { scope: 'file' },
    ],
    server: [async ({ lab }, use) => use(await lab.startServer()), { scope: 'file' }],
    reporter: [async ({ lab }, use) => use(await lab.reporter), { scope: 'file' }],
    peer: async ({ lab }, use) => use(await lab.startPeer('mute')),
    noted: [
      async ({ lab, task }, use) => {
        await use(undefined);
        if (task.result?.state === 'fail') failed.add(lab);
      },
      { auto: true },
    ],
  });
}

export const sharing = sharingWith();

/** Labs with a failed test: their evidence stays. */
const failed = new WeakSet<Lab>();
