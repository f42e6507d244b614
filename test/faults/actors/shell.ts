import { pause } from '../../support/until.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { nextReport } from './reporter.ts';

/** Someone at a prompt: reports, waits, looks. */
export async function typeCommands(world: World, random: Random): Promise<void> {
  while (!world.over) {
    await pause(random.whole(200, 1_200));
    const next = nextReport(world, random);
    if (next === undefined) continue;
    const { job, event, token, result } = next;
    const what = random.weighted({ publish: 4, wait: 3, list: 1, status: 1 });
    if (what === 'list') await world.run(['list', '--limit', '200']);
    else if (what === 'status') await world.run(['status', '--job', job], { job });
    else if (what === 'wait')
      await world.run(['wait', '--job', job, '--timeout', `${random.whole(1, 5)}`], { job });
    else {
      const words = ['publish', '--job', job, '--event', event, '--detail', token];
      const input = result === undefined ? words : [...words, '--result-file', '-'];
      await world.run(input, { job, token, ...(result !== undefined && { result, input: result }) });
    }
  }
}
