import { join } from 'node:path';
import { fill } from '../mounts.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

/** A disk that is full to its last byte for some seconds. */
function full(name: string, folder: (world: World) => string): Fault {
  return {
    name,
    share: 4,
    missing: (world) =>
      world.mounts.folders.includes(folder(world)) ? undefined : 'nothing can be mounted here',
    async make(world, random, hold) {
      const makeRoom = fill(folder(world));
      try {
        await hold(random.whole(500, 4_000));
      } finally {
        makeRoom();
      }
      return folder(world);
    },
  };
}

export const disks: Fault[] = [
  full('home full', ({ lab }) => lab.home),
  full('registry full', ({ lab }) => join(lab.project, '.mam')),
];
