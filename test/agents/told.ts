import { expect } from 'vitest';
import type { AgentLab } from './lab.ts';
import type { ModelRequest } from './model/script.ts';
import { Supervisor } from './supervisor.ts';

/** What a person's command makes of a prompt, for its model. */
export async function told(lab: AgentLab, ...command: string[]): Promise<string> {
  const asked: ModelRequest[] = [];
  await lab.prepare((request) => {
    asked.push(request);
    return { say: 'As you wish.' };
  });
  await new Supervisor(lab).install();
  const ended = await lab.run('sh', ['-c', 'exec "$@" < /dev/null', 'sh', ...command]);
  expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);
  return asked.flatMap(({ prompts }) => prompts).join('\n');
}
