import { describe, expect } from 'vitest';
import { instructions } from '../../../src/mcp/instructions.ts';
import { tools } from '../../../tools/index.ts';
import { testOf } from '../lab-test.ts';
import type { ModelRequest, ModelStep } from '../model/script.ts';
import { HOMES } from '../programs.ts';
import { Supervisor } from '../supervisor.ts';

/** Claude Code loads most tools only when its model searches for them. */
const LATE = ['claude-code'];
/** Words from a tool's input schema and output schema: clients pass only the first to their model. */
const OF_INPUT = 'or work whose check could not run: allow it once, or deny it';
const OF_OUTPUT = 'how far the answer has got';

describe.each(HOMES)('$kind as supervisor', (home) => {
  const test = testOf(home);

  test('calls every tool, and its model reads every answer', async ({ lab }) => {
    const asked: ModelRequest[] = [];
    const check = lab.write('check.sh', 'echo checked\n');
    const steps = script(check);
    await lab.prepare((request) => {
      asked.push(request);
      const step = steps[request.results.length];
      const id = /\bjob_id\W+([a-z0-9-]+)/.exec(request.results[0]?.text ?? '')?.[1];
      return step === undefined ? { say: 'Done.' } : step(id ?? '');
    });
    const client = new Supervisor(lab);
    await client.install();
    const robot = {
      session: 'tmux:robot',
      command: ['sh', '-c', "printf 'READY> '; exec sleep 1000"],
      ready: '^READY> *$',
    };
    lab.configure({ agents: { robot } });
    lab.sessions.add('robot');
    const ended = await client.run('go');
    expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0);

    const { results = [] } = asked.at(-1) ?? {};
    expect(results).toHaveLength(steps.length);
    // OpenCode's own name for them starts with mam_.
    expect(new Set(results.map(({ tool }) => tool.replace(/^mam_/, '')))).toEqual(
      new Set(tools.map(({ name }) => name)),
    );
    for (const { tool, text } of results) expect(text, tool).toMatch(/"summary":.*"next":/s);
    const first = JSON.stringify(asked[0]?.body);
    const last = JSON.stringify(asked.at(-1)?.body);
    expect(first).toContain(instructions('supervisor').slice(0, 200));
    for (const { name } of tools) expect(first).toContain(name);
    expect(first.includes(OF_INPUT)).toBe(!LATE.includes(home.kind));
    expect(last).toContain(OF_INPUT);
    expect(last).not.toContain(OF_OUTPUT);
  });
});

/** One call of each tool, and what the last of them returns after the job is done. */
function script(check: string): ((job_id: string) => ModelStep)[] {
  const call =
    (tool: string, args: (job_id: string) => Record<string, unknown> = () => ({})) =>
    (id: string) => ({ call: tool, args: args(id) });
  const of =
    (more: object = {}) =>
    (job_id: string) => ({ job_id, ...more });
  return [
    call('delegate_job', () => ({ prompt: 'Hang up the key', agent: 'human' })),
    call('list_agents'),
    call('list_jobs'),
    call('job_status', of({ events_after: 0 })),
    call('wait_job', of({ timeout_seconds: 1 })),
    call('answer_job', of({ text: 'On the left.' })),
    call('publish_event', of({ event: 'completed', detail: 'It hangs.' })),
    call('wait_job', of()),
    call('job_logs', of({ include: ['events', 'validation'] })),
    call('verify_job', of({ validate: check })),
    call('cancel_job', of()),
    call('start_agent', () => ({ agent: 'robot' })),
    call('stop_agent', () => ({ name: 'tmux:robot' })),
  ];
}
