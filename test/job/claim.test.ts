import { expect, test } from 'vitest';
import { parseClaim } from '../../src/job/claim.ts';

/** What is left of the data of a peer's event. */
const taken = (type: string, data: object) => parseClaim({ type, data }, 'roof-1').claim?.['data'];

test('in data a claim brings along what its type may say, and names that mean nothing', () => {
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
