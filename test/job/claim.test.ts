import { expect, test } from 'vitest';
import { parseClaim } from '../../src/job/claim.ts';

/** The remaining data of a peer's event. */
const taken = (type: string, data: object) => parseClaim({ type, data }, 'roof-1').claim?.['data'];

test("a claim's data keeps what its type allows, and unknown names", () => {
  const forged = { outcome: 'could_not_run', problem: 'x', step: 'rm -rf /', behind: {}, seq: 9, line: 'x' };
  expect(taken('completed', { ...forged, mood: 'fine' })).toEqual({ mood: 'fine' });
  expect(taken('completed', forged)).toBeUndefined();
  expect(taken('permission_required', { ...forged, tool: 'Bash', input: 'ls' })).toEqual({
    tool: 'Bash',
    input: 'ls',
  });
  expect(parseClaim({ type: 'permission_required', data: { tool: 7 } }, 'roof-1').refusal?.refusal).toContain(
    'data.tool',
  );
});
