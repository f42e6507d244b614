import { expect, test } from 'vitest';
import { openDecision } from '../../src/cli/jobs/asking.ts';
import { openDecisions } from '../../src/job/open-request.ts';
import type { JobRecord, PeerRequest } from '../../src/job/record.ts';
import { nextStep } from '../../src/view/next-step.ts';

const ID = 'k3f9x2ab-fix-login-test';
const AT = '2026-11-30T14:00:00.000Z';

function request(id: string, tool: string, source: PeerRequest['source']): PeerRequest {
  return {
    request_id: id,
    kind: 'permission',
    source,
    text: `${tool}: rm -rf build`,
    tool,
    input: 'x',
    at: AT,
  };
}

/** What a record says about its requests. */
function asking(...requests: PeerRequest[]): JobRecord {
  const asks = { job_id: ID, status: 'input_required', reason: 'permission', attention: ['permission'] };
  return { ...asks, agent: 'my-agent', requests } as JobRecord;
}

test('a dialog that can only be answered in its pane is no decision, and attach is the only offer', () => {
  const record = asking(request('d1', 'dialog', 'hub'));
  expect(openDecisions(record)).toEqual([]);
  expect(() => openDecision(record, 'allow')).toThrow(`Run \`mam attach ${ID}\` and answer there`);
  expect(nextStep(record)).toBe(`mam attach ${ID}`);
});

test('next to it, what can be decided still is', () => {
  const record = asking(request('d1', 'dialog (trust)', 'hub'), request('p1', 'Bash', 'hook'));
  expect(openDecision(record, 'deny').request_id).toBe('p1');
});
