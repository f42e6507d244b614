import { describe, expect, test } from 'vitest';
import { asModelsGetThem, MOST_TOKENS, tokens } from '../../bench/support/tokens.ts';
import { Catalog } from '../../src/mcp/catalog.ts';
import { instructions } from '../../src/mcp/instructions.ts';
import { tools } from '../../tools/index.ts';

const { declarations } = new Catalog(tools, 'supervisor');

test('the whole list of tools costs a model little', () => {
  const text = asModelsGetThem(declarations);
  expect(tokens(text)).toBeLessThanOrEqual(MOST_TOKENS);
  // Four characters a token is how models' makers estimate.
  expect(text.length / 4).toBeLessThanOrEqual(MOST_TOKENS);
});

test.each(['supervisor', 'peer'] as const)('the instructions of a %s stay short', (role) => {
  expect(instructions(role, true).length).toBeLessThanOrEqual(2_000);
});

/** What people say, and the tool that a client with late loading must find by it. */
const SAYINGS: [string, string][] = [
  ['delegate this to codex', 'delegate_job'],
  ['hand this task over to another agent', 'delegate_job'],
  ['let a sub-agent do it in the background', 'delegate_job'],
  ['spawn a worker in tmux', 'delegate_job'],
  ['wait until the peer is done', 'wait_job'],
  ['get the result of the background job', 'wait_job'],
  ['block until it needs me', 'wait_job'],
  ['approve the permission request of the peer', 'answer_job'],
  ['answer its question', 'answer_job'],
  ['what is the status of my job', 'job_status'],
  ['list my background jobs', 'list_jobs'],
  ['show the log and the screen of the pane', 'job_logs'],
  ['verify the work with a test script', 'verify_job'],
  ['cancel the job, abort it', 'cancel_job'],
  ['which agents are idle in tmux', 'list_agents'],
  ['start claude code in a tmux session', 'start_agent'],
  ['shut the peer down', 'stop_agent'],
  ['tell the supervisor that I am finished', 'publish_event'],
];

describe('with the words that people use', () => {
  test.each(SAYINGS)('"%s" finds %s', (saying, name) => {
    expect(search(saying).slice(0, 3)).toContain(name);
  });

  test('every tool is searched for', () => {
    const found = new Set(SAYINGS.map(([, name]) => name));
    expect(declarations.map(({ name }) => name).filter((name) => !found.has(name))).toEqual([]);
  });
});

/** Names of the tools by BM25 over name and description, as in Codex's tool_search; the best first. */
function search(query: string): string[] {
  const documents = declarations.map(({ name, description }) => wordsOf(`${name} ${description}`));
  const average = documents.reduce((sum, { length }) => sum + length, 0) / documents.length;
  const scores = documents.map((document) => {
    const score = wordsOf(query).reduce((sum, word) => {
      const holders = documents.filter((one) => one.includes(word)).length;
      const idf = Math.log(1 + (documents.length - holders + 0.5) / (holders + 0.5));
      const count = document.filter((one) => one === word).length;
      return sum + (idf * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * document.length) / average));
    }, 0);
    return score;
  });
  return declarations
    .map(({ name }, index) => ({ name, score: scores[index] ?? 0 }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ name }) => name);
}

/** Words without their endings, as in a search engine for English. */
function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[a-z]+/g) ?? []).map((word) => word.replace(/(?:ing|ed|s)$/, ''));
}
