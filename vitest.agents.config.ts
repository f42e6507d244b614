import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { HOMES } from './test/agents/programs.ts';

/** The agents' files in turn, each agent's longest first: OpenCode works while Codex waits. */
class InTurn extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const counts = new Map<string, number>();
    const numbered = (await super.sort(files)).map((file) => {
      const { name } = file.project;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      return { file, count };
    });
    return numbered.sort((a, b) => a.count - b.count).map(({ file }) => file);
  }
}

/** The scenarios with the real agents: `npm run test:agents`. Each agent is a project of its own. */
export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts'],
    // The start of an agent is work, most of the rest is waiting: two cores carry so many at once.
    maxWorkers: 4,
    sequence: { sequencer: InTurn },
    projects: HOMES.map(({ kind, npm }) => ({
      test: {
        name: kind,
        include: ['test/agents/scenarios/*.test.ts', `test/agents/scenarios/${kind}/*.test.ts`],
        env: { TEST_AGENTS: `${kind}@${npm.version}`, TEST_PATIENCE: '4' },
        testTimeout: 180_000,
      },
    })),
  },
});
