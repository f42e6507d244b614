import { test as base, expect } from 'vitest';
import { AgentLab } from '../lab.ts';
import type { ModelRequest, ModelStep } from '../model/script.ts';
import { HOMES } from '../programs.ts';
import { Supervisor } from '../supervisor.ts';

/** A test with a lab of this client's own. */
function testOf(kind: string) {
  const home = HOMES.find((one) => one.kind === kind);
  if (home === undefined) throw new Error(`no home of ${kind}`);
  return base.extend<{ lab: AgentLab }>({
    lab: async ({ task }, use) => {
      const lab = new AgentLab(home);
      await use(lab);
      await lab.end(task.result?.state === 'fail');
    },
  });
}

/** Runs Claude Code once without a terminal. @returns what it printed, and what its model was asked */
async function once(lab: AgentLab, asked: ModelRequest[], prompt: string) {
  const before = asked.length;
  const args = ['-p', prompt, '--output-format', 'stream-json', '--verbose'];
  const { stdout, stderr } = await lab.run('claude', args);
  const lines = stdout.split('\n').filter(Boolean);
  const [first] = lines.map((line) => JSON.parse(line)).filter(({ subtype }) => subtype === 'init');
  return { init: first, said: asked.slice(before), stderr };
}

testOf('claude-code')('claude-code: prompts are slash commands, resources can be read', async ({ lab }) => {
  const asked: ModelRequest[] = [];
  let step: (request: ModelRequest) => ModelStep = () => ({ say: 'As you wish.' });
  await lab.prepare((request) => {
    asked.push(request);
    return step(request);
  });
  lab.expected.push(/^h\/installed\.json$/);
  expect((await lab.mam('install', 'claude-code')).code).toBe(0);

  const delegate = await once(lab, asked, '/mcp__mam__delegate codex Mend the roof');
  expect(delegate.init.slash_commands).toEqual(
    expect.arrayContaining(['mcp__mam__delegate', 'mcp__mam__supervise', 'mcp__mam__report']),
  );
  expect(delegate.init.tools).toEqual(
    expect.arrayContaining(['ListMcpResourcesTool', 'ReadMcpResourceTool']),
  );
  const text = delegate.said.flatMap(({ prompts }) => prompts).join('\n');
  // It passes on one word of the task; what the person wrote stands above it.
  expect(text).toContain('Call delegate_job with {"agent":"codex","prompt":"Mend"}.');
  expect(text).toContain('codex Mend the roof');

  step = (request) =>
    request.results.length > 0
      ? { say: 'No job yet.' }
      : { call: 'ReadMcpResourceTool', args: { server: 'mam', uri: 'mam://jobs' } };
  const reading = await once(lab, asked, 'Which jobs are there?');
  expect(reading.said.at(-1)?.results[0]?.text).toContain('There are no jobs yet.');
});

/** What a person's command makes of a prompt, for its model. */
async function told(lab: AgentLab, ...command: string[]): Promise<string> {
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

testOf('gemini')('gemini: prompts are slash commands, with named arguments', async ({ lab }) => {
  const text = await told(lab, 'gemini', '-p', '/delegate --agent="codex" --task="Mend the roof"');
  // It shows its model the words of the prompt as JSON.
  expect(text.replaceAll('\\"', '"')).toContain(
    'Call delegate_job with {"agent":"codex","prompt":"Mend the roof"}.',
  );
});

testOf('gemini')(
  'gemini: without names only the first word comes through, and the prompt says so',
  async ({ lab }) => {
    const text = await told(lab, 'gemini', '-p', '/delegate codex Mend the roof');
    expect(text.replaceAll('\\"', '"')).toContain('{"agent":"codex","prompt":"Mend"}.');
    expect(text).not.toContain('the roof');
    expect(text).toContain('ask the person for the whole task first');
  },
);

testOf('opencode')(
  'opencode: prompts are commands, whose words it puts into their places',
  async ({ lab }) => {
    const text = await told(lab, 'opencode', 'run', '--command', 'mam:delegate', 'codex', 'Mend the roof');
    expect(text).toContain('Delegate this task to the agent codex');
    expect(text).toMatch(/Call delegate_job with \{"agent":"codex","prompt":".*Mend the roof.*"\}\./);
  },
);

testOf('opencode')('opencode: a command without a word means all open jobs', async ({ lab }) => {
  const text = await told(lab, 'opencode', 'run', '--command', 'mam:supervise');
  expect(text).toContain('If a job id stands between these quotes, "", wait for that job alone.');
});
