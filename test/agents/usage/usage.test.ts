import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtIn } from '../../../src/agents/index.ts';
import { Sums, tokens } from '../../../src/agents/usage/usage-reader.ts';
import { addUsage, usageOf } from '../../../src/job/usage.ts';
import { HOMES } from '../programs.ts';

/** Recorded lines of two turns with three answers each, with long texts cut; each answer has used this. */
const EACH = { input_tokens: 100, output_tokens: 7, cached_tokens: 40 };
const TURN = 3;

const linesOf = (kind: string) =>
  readFileSync(join(import.meta.dirname, `${kind}.jsonl`), 'utf8')
    .trim()
    .split('\n');
/** What these lines of a transcript say. */
function read(kind: string, lines: readonly string[], model?: string) {
  const format = builtIn(kind)?.conversation?.usage;
  if (format === undefined) throw new Error(`${kind} has no format`);
  const sums = new Sums(model);
  for (const line of lines)
    if (format.marks.some((mark) => line.includes(mark))) format.take(JSON.parse(line), sums);
  return sums.usage(format.source);
}
const times = (answers: number) => ({
  input_tokens: answers * EACH.input_tokens,
  output_tokens: answers * EACH.output_tokens,
  cached_tokens: answers * EACH.cached_tokens,
});

const MODELS: Readonly<Record<string, string>> = {
  'claude-code': 'claude-opus-5-5',
  codex: 'scripted',
  gemini: 'gemini-2.5-pro',
  opencode: 'scripted/scripted',
};

test.each(HOMES)('the transcript of $kind says what was used, and by which model', ({ kind }) => {
  const lines = linesOf(kind);
  const usage = read(kind, lines);
  expect(usage).toMatchObject({ ...times(2 * TURN), models: [MODELS[kind]] });
  expect(read(kind, [])).toBeUndefined();
});

test.each(['claude-code', 'codex'])('from the second prompt on, %s has the second turn only', (kind) => {
  const lines = linesOf(kind);
  const second = lines.findLastIndex((line) => line.includes('was delegated'));
  expect(read(kind, lines.slice(second), 'known')).toMatchObject(times(TURN));
});

test('Claude Code writes several lines for one answer: it is counted once', () => {
  const lines = linesOf('claude-code');
  const twice = lines.flatMap((line) => [line, line]);
  expect(read('claude-code', twice)).toMatchObject(times(2 * TURN));
  const broken =
    '{"type":"assistant","message":{"id":"msg_x","model":"<synthetic>","usage":{"input_tokens":9}}}';
  expect(read('claude-code', [...lines, broken])).toMatchObject({ models: ['claude-opus-5-5'] });
});

test('Codex wrote only totals before 0.171: what is new in each is counted, and a repeated one is not', () => {
  const totals = linesOf('codex').filter((line) => !line.includes('"token_usage_record"'));
  expect(read('codex', totals)).toMatchObject({ ...times(2 * TURN), models: ['scripted'] });
  const repeated = totals.flatMap((line) => [line, line]);
  expect(read('codex', repeated)).toMatchObject(times(2 * TURN));
  // Without the lines before the prompt, the first total says what came before it.
  const second = totals.findLastIndex((line) => line.includes('was delegated'));
  expect(read('codex', totals.slice(second), 'known')).toMatchObject({ ...times(TURN), models: ['known'] });
});

test('Gemini CLI writes an answer again when its tools have run', () => {
  const answers = linesOf('gemini').filter((line) => line.includes('"type":"gemini"'));
  expect(answers.length).toBeGreaterThan(2 * TURN);
});

test('numbers that are none count as nothing', () => {
  const odd = (usage: unknown) =>
    JSON.stringify({ type: 'assistant', message: { id: 'a', model: 'm'.repeat(500), usage } });
  expect(
    read('claude-code', [odd({ input_tokens: '9', output_tokens: -4, cache_read_input_tokens: 1e300 })]),
  ).toEqual({
    ...{ input_tokens: 0, output_tokens: 0, cached_tokens: 0, source: 'transcript' },
    models: [`${'m'.repeat(99)}…`],
  });
  expect(read('claude-code', [odd(null), odd('x')])).toMatchObject({ input_tokens: 0 });
  expect(read('gemini', ['{"type":"gemini","tokens":null}', '{"type":"gemini"}'])).toBeUndefined();
});

test('what no agent has used is still counted, in numbers that a record can have', () => {
  const sums = new Sums();
  const most = Number.MAX_SAFE_INTEGER;
  for (const id of ['a', 'b', undefined, 'a']) sums.add(id, 'm', { input: most, output: most, cached: most });
  const all = { input_tokens: most, output_tokens: most, cached_tokens: most };
  expect(sums.usage('transcript')).toMatchObject(all);
  const usage = sums.usage('transcript');
  expect(usageOf(usage)).toEqual(usage);
  expect(usage && addUsage(usage, usage)).toMatchObject(all);
  for (const value of [-1, 1e308, 2 ** 60, 0.5, Number.NaN, '7', null, {}]) expect(tokens(value)).toBe(0);
});

test('a record can have every model that is counted: what differs would be recorded with each look', () => {
  const sums = new Sums();
  const names = [...Array(50).keys()].map((n) => `\u001b[31m${n}\n${'x'.repeat(10_000)}`);
  for (const name of names) sums.add(undefined, name, { input: 1, output: 1, cached: 0 });
  const usage = sums.usage('transcript');
  expect(usage?.models).toHaveLength(20);
  expect(usage?.models.join('')).not.toMatch(/\p{Cc}/u);
  expect(usageOf(usage)).toEqual(usage);
});
