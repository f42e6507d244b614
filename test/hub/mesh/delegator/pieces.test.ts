import { expect, test } from 'vitest';
import type { Asks } from '../../../../src/hub/mesh/delegator/asks.ts';
import { inPieces, piecesOf } from '../../../../src/hub/mesh/delegator/pieces.ts';
import { MAX_PAYLOAD_BYTES, PAGE_BYTES } from '../../../../src/hub/mesh/wire/messages.ts';

test('1 MiB takes 22 pieces', () => {
  const text = 'a'.repeat(1024 * 1024);
  const pieces = piecesOf(text);
  expect(pieces).toHaveLength(22);
  expect(pieces.join('')).toBe(text);
});

test.each([
  ['emojis', '🙂é'.repeat(40_000)],
  ['line breaks and quotes', '"\n\\'.repeat(40_000)],
  ['control characters', '\u0001'.repeat(60_000)],
])('each piece of %s fits into a message, and none cuts a character', (_, text) => {
  const pieces = piecesOf(text);
  expect(pieces.join('')).toBe(text);
  for (const piece of pieces) {
    expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(PAGE_BYTES);
    expect(Buffer.byteLength(JSON.stringify(piece))).toBeLessThan(MAX_PAYLOAD_BYTES - 2_000);
    expect(piece.isWellFormed()).toBe(true);
  }
});

test('a short prompt goes with its ask, a long one before it, in order', async () => {
  const sent: Record<string, unknown>[] = [];
  const asks = {
    ask: async (_: string, __: string, params: Record<string, unknown>) => {
      sent.push(params);
      return {};
    },
  } as unknown as Asks;
  expect(await inPieces(asks, 'hostb', { job_id: 'x' }, 'short')).toEqual({ prompt: 'short' });
  expect(sent).toEqual([]);
  const long = '🙂'.repeat(30_000);
  const { upload } = (await inPieces(asks, 'hostb', {}, long)) as { upload: string };
  expect(sent.map(({ text }) => text).join('')).toBe(long);
  let offset = 0;
  for (const piece of sent) {
    expect(piece).toMatchObject({ upload, offset });
    offset += String(piece['text']).length;
  }
  expect(sent.map(({ last }) => last)).toEqual([...sent.slice(1).map(() => false), true]);
});
