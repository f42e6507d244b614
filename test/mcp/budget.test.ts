import { expect, test } from 'vitest';
import { waitBudget } from '../../src/tool/budget.ts';

test.each([
  [undefined, 'claude-code', undefined, 6 * 3600],
  [undefined, 'codex-mcp-client', undefined, 280],
  [undefined, 'gemini-cli-mcp-client', undefined, 570],
  [undefined, 'opencode', undefined, 50],
  [undefined, 'somebody', undefined, 50],
  [20, 'claude-code', undefined, 20],
  [900, 'codex-mcp-client', undefined, 280],
  // A known limit of the client replaces the table's, with a margin for the answer.
  [undefined, 'codex-mcp-client', 3600, 3590],
  [undefined, 'claude-code', 60, 57],
  // A short one still leaves time for a last look at the hub.
  [undefined, 'claude-code', 5, 4],
  [undefined, 'claude-code', 1, 0.5],
  [0, 'claude-code', undefined, 0],
])('asked %s by %s with limit %s: %s s', (asked, client, limit, seconds) => {
  expect(waitBudget(asked, client, limit)).toBe(seconds * 1000);
});
