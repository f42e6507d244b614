import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { transcript } from '../../src/agents/usage/claude-code.ts';
import { agentsFile, sizeOf, TranscriptPart } from '../../src/hub/conversations/transcript-part.ts';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mam-transcript-'));
  file = join(folder, 'transcript.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A line about an answer that has used 10 tokens in and 1 out. */
const answer = (id: string, more = '') =>
  `${JSON.stringify({ more, type: 'assistant', message: { id, model: 'm', usage: { input_tokens: 10, output_tokens: 1 } } })}\n`;
const part = (from = 0) => new TranscriptPart(file, transcript, from);
const used = (answers: number) => ({ input_tokens: 10 * answers, output_tokens: answers });

test('reads on as the file grows, also in the middle of a line', async () => {
  const growing = part();
  await growing.readOn();
  expect(growing.usage).toBeUndefined();
  const line = answer('b');
  writeFileSync(file, answer('a') + line.slice(0, 30));
  await growing.readOn();
  expect(growing.usage).toMatchObject(used(1));
  appendFileSync(file, line.slice(30));
  await growing.readOn();
  await growing.readOn();
  expect(growing.usage).toMatchObject({ ...used(2), models: ['m'], source: 'transcript' });
});

test("counts only the job's own part", async () => {
  writeFileSync(file, answer('a'));
  const from = await sizeOf(file);
  appendFileSync(file, answer('b') + answer('c'));
  const end = await sizeOf(file);
  appendFileSync(file, answer('d'));
  const middle = part(from);
  await middle.readOn(end);
  expect(middle.usage).toMatchObject(used(2));
});

test('a line longer than 8 MiB is skipped, a long one is not; what is no JSON changes nothing', async () => {
  const mib = 1024 * 1024;
  writeFileSync(file, answer('long', 'x'.repeat(3 * mib)));
  appendFileSync(file, answer('too long', 'x'.repeat(9 * mib)));
  appendFileSync(file, `{"type":"assistant" broken\n[]\nnull\n\n${answer('last')}`);
  const whole = part();
  await whole.readOn();
  expect(whole.usage).toMatchObject(used(2));
});

test('nothing is read through a link, from a pipe or from a folder, and none of them makes it wait', async () => {
  const real = join(folder, 'real');
  writeFileSync(real, answer('a'));
  symlinkSync(real, file);
  const linked = part();
  await linked.readOn();
  expect(linked.usage).toBeUndefined();
  rmSync(file);
  execFileSync('mkfifo', [file]);
  const piped = part();
  await piped.readOn();
  expect(piped.usage).toBeUndefined();
  const inFolder = new TranscriptPart(folder, transcript, 0);
  await inFolder.readOn();
  expect(inFolder.usage).toBeUndefined();
});

test('only an absolute path without control characters can be the file of an agent', () => {
  for (const path of [
    undefined,
    '',
    'x.jsonl',
    '../x',
    `/${'x'.repeat(5_000)}`,
    '/tmp/a\nb',
    '/tmp/a\u0000b',
  ])
    expect(agentsFile(path)).toBeUndefined();
  const link = join(folder, 'link');
  symlinkSync(folder, link);
  expect(agentsFile(join(link, 'x.jsonl'))).toBe(agentsFile(join(folder, 'x.jsonl')));
});
