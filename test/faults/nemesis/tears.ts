import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';

/** What a power cut can lose while no hub runs: nothing acknowledged, but anything not flushed. */
function afterPowerCut(
  name: string,
  share: number,
  damage: (world: World, random: Random) => string | undefined,
): Fault {
  return { name, share, make: (world, random) => world.frozen(async () => damage(world, random)) };
}

export const tears: Fault[] = [
  afterPowerCut('journal torn', 3, (world, random) => {
    const job = aJob(world, random);
    const text = job === undefined ? undefined : world.read(job, 'events.jsonl');
    if (job === undefined || text === undefined) return undefined;
    // The beginning of an event in flight: its line, or the line before it, cut anywhere.
    const last = text.trimEnd().split('\n').at(-1) ?? '';
    const next = `\n${last.replace(/"seq":\d+/, (seq) => `"seq":${Number(seq.slice(6)) + 1}`)}\n`;
    const torn = next.slice(0, random.whole(1, Math.max(1, next.length - 3)));
    appendFileSync(join(world.lab.registry, job, 'events.jsonl'), torn);
    world.tears++;
    return `${torn.length} bytes behind ${job}`;
  }),
  afterPowerCut('record torn', 2, (world, random) => {
    const job = aJob(world, random);
    const text = job === undefined ? undefined : world.read(job, 'job.json');
    if (job === undefined || text === undefined) return undefined;
    const path = join(world.lab.registry, job, 'job.json');
    if (random.chance(0.3)) rmSync(path);
    else truncateSync(path, random.chance(0.5) ? 0 : random.whole(1, text.length - 1));
    return job;
  }),
  afterPowerCut('index torn', 2, (world, random) => {
    const path = join(world.lab.registry, '.index.jsonl');
    if (!existsSync(path)) return undefined;
    const { length } = readFileSync(path);
    // Cut, or with zeros in place of a block that was never written.
    if (random.chance(0.5)) truncateSync(path, random.whole(0, length));
    else {
      const bytes = readFileSync(path);
      bytes.fill(0, random.whole(0, length));
      writeFileSync(path, bytes);
    }
    return `${length} bytes`;
  }),
  afterPowerCut('pointers gone', 2, ({ lab }, random) => {
    const folder = join(lab.home, 'live');
    const names = existsSync(folder) ? readdirSync(folder).filter(() => random.chance(0.6)) : [];
    for (const name of names) rmSync(join(folder, name));
    return names.length === 0 ? undefined : names.join(' ');
  }),
];

function aJob({ jobs }: World, random: Random): string | undefined {
  return jobs.length === 0 ? undefined : random.pick(jobs.slice(-10)).id;
}
