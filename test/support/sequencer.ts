import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const ROOT = join(import.meta.dirname, '../..');

/** Files that wait longest: for links that are down, hubs that stand still, times that pass. */
const LONG = [
  'test/mesh/faults-links.test.ts',
  'test/mesh/faults-kills.test.ts',
  'test/tmux/deliver.test.ts',
  'test/mesh/unconfirmed.test.ts',
  'test/mesh/faults-ssh.test.ts',
  'test/mesh/reports.test.ts',
  'test/mesh/faults-asks.test.ts',
  'test/cli/demo.test.ts',
  'test/durability/election.test.ts',
  'test/apps/board.test.ts',
  'test/mesh/hosts-command.test.ts',
  'test/e2e/both-doors.test.ts',
  'test/mesh/presence.test.ts',
];
/** After each of them come this many others, so that the processors have work while it waits. */
const OTHERS = 2;

/** Begins early with what waits long: at the end, nobody would be left to work meanwhile. */
export class LongWaitsEarly extends BaseSequencer {
  /** @throws when a file of the list is missing */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const missing = LONG.filter((file) => !existsSync(join(ROOT, file)));
    if (missing.length > 0) throw new Error(`test/support/sequencer.ts names ${missing}, which is missing`);
    const rank = ({ moduleId }: TestSpecification): number => LONG.indexOf(relative(ROOT, moduleId));
    const sorted = await super.sort(files);
    const long = sorted.filter((file) => rank(file) >= 0).sort((one, other) => rank(one) - rank(other));
    const others = sorted.filter((file) => rank(file) < 0);
    return [
      ...long.flatMap((file, at) => [file, ...others.slice(at * OTHERS, (at + 1) * OTHERS)]),
      ...others.slice(long.length * OTHERS),
    ];
  }
}
