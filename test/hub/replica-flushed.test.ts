import type * as Fs from 'node:fs';
import { readFileSync, readlinkSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { jobPaths } from '../../src/registry/paths.ts';
import { atHome, JOB_ID, ReplicaHub } from '../support/replica.ts';

/** Called before a file is flushed, with its path. */
const flushing = vi.hoisted(() => ({ note: (_: string) => {} }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const fdatasync = (fd: number, done: Fs.NoParamCallback): void => {
    flushing.note(readlinkSync(`/proc/self/fd/${fd}`));
    fs.fdatasync(fd, done);
  };
  return { ...fs, fdatasync };
});

let hub: ReplicaHub | undefined;
afterEach(() => hub?.end());

test.runIf(process.platform === 'linux')(
  'events of which the home is not asked again are on the disk before that is',
  async () => {
    hub = new ReplicaHub();
    const job = await hub.follow(atHome());
    const { journal, replica } = jobPaths(hub.dir, JOB_ID);
    const seen: unknown[] = [];
    flushing.note = (path) => {
      if (path === journal) seen.push(JSON.parse(readFileSync(replica, 'utf8')).state);
    };
    await hub.registrar.setReplica(job, { offline_since: new Date().toISOString(), episode: 1 });
    expect(seen).toEqual([]);
    await hub.registrar.setReplica(job, { state: 'ended' });
    expect(seen).toEqual(['following']);
  },
);
