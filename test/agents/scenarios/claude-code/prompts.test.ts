import { expect } from 'vitest';
import { until } from '../../../support/until.ts';
import type { AgentLab } from '../../lab.ts';
import { testOf } from '../../lab-test.ts';
import type { ModelRequest, ModelStep } from '../../model/script.ts';
import { homeOf } from '../../programs.ts';

const test = testOf(homeOf('claude-code'));

/** Runs Claude Code once without a terminal. @returns what it printed, and what its model was asked */
async function once(lab: AgentLab, asked: ModelRequest[], prompt: string) {
  const before = asked.length;
  const args = ['-p', prompt, '--output-format', 'stream-json', '--verbose'];
  const { stdout, stderr } = await lab.run('claude', args);
  const lines = stdout.split('\n').filter(Boolean);
  const [first] = lines.map((line) => JSON.parse(line)).filter(({ subtype }) => subtype === 'init');
  return { init: first, said: asked.slice(before), stderr };
}

test('claude-code: prompts are slash commands, resources can be read', async ({ lab }) => {
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
  // It passes on one word of the task; what the person wrote is above it.
  expect(text).toContain('Call delegate_job with {"agent":"codex","prompt":"Mend"}.');
  expect(text).toContain('codex Mend the roof');

  step = (request) =>
    request.results.length > 0
      ? { say: 'No job yet.' }
      : { call: 'ReadMcpResourceTool', args: { server: 'mam', uri: 'mam://jobs' } };
  const reading = await once(lab, asked, 'Which jobs are there?');
  expect(reading.said.at(-1)?.results[0]?.text).toContain('There are no jobs yet.');
});

test('claude-code: the menu calls a prompt /mam:delegate (MCP), and Tab writes its real name', async ({
  lab,
}) => {
  const asked: ModelRequest[] = [];
  await lab.prepare((request) => {
    asked.push(request);
    return { say: 'As you wish.' };
  });
  await lab.startByHand();
  await lab.type('-l', '/mam:dele');
  await lab.shows('/mam:delegate (MCP)');
  await lab.type('Tab');
  await lab.shows(/\/mcp__mam__delegate\s+\[agent\] \[task\]/);
  await lab.type('-l', 'codex Mend');
  await lab.shows('codex Mend');
  await lab.type('Enter');
  const text = () => asked.flatMap(({ prompts }) => prompts).join('\n');
  await until('its model gets the prompt', () =>
    text().includes('Call delegate_job with {"agent":"codex","prompt":"Mend"}.'),
  );
});
