import { describe, expect, test } from 'vitest';
import { type Block, FrameReader } from '../../src/tmux/frame.ts';

function read(chunks: string[]): { blocks: Block[]; notices: string[] } {
  const blocks: Block[] = [];
  const notices: string[] = [];
  const reader = new FrameReader(
    (block) => blocks.push(block),
    (line) => notices.push(line),
  );
  for (const chunk of chunks) reader.push(chunk);
  return { blocks, notices };
}

const STREAM =
  '%begin 17 5 1\nhello\n%end 16 5 1\n%end 17 6 1\n%error 1 1 1\n%begin 17 5 1\n\n%end 17 5 1\n%exit why\n';

describe('the stream of a control client', () => {
  test('lines that look like control lines stay in their block', () => {
    const { blocks, notices } = read([STREAM]);
    expect(blocks).toEqual([
      {
        lines: ['hello', '%end 16 5 1', '%end 17 6 1', '%error 1 1 1', '%begin 17 5 1', ''],
        failed: false,
        ours: true,
      },
    ]);
    expect(notices).toEqual(['%exit why']);
  });

  test('may be cut anywhere', () => {
    expect(read([...STREAM])).toEqual(read([STREAM]));
  });

  test('a failed block says so, and one of a hook is not ours', () => {
    const { blocks } = read(['%begin 1 2 0\nbad\n%error 1 2 0\n']);
    expect(blocks).toEqual([{ lines: ['bad'], failed: true, ours: false }]);
  });
});
