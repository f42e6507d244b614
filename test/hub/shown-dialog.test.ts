import { describe, expect, test } from 'vitest';
import { dialogOn } from '../../src/hub/dialogs/shown-dialog.ts';

describe('a dialog of which only one sign is known', () => {
  const ASKED = 'Do you want to push to origin? (y/n)';
  const TRANSCRIPT = Array.from(
    { length: 18 },
    (_, n) => `Job number ${n} was delegated to you by another agent`,
  );
  const typing = { mam: 'mam', dialog: '^Do you want' };
  const shown = (lines: string[]) => dialogOn(lines, { agent: 'my-agent', typing })?.input;

  test('is recognised by its row, however long the transcript above it is', () => {
    expect(shown([...TRANSCRIPT, ASKED])).toBe(ASKED);
    expect(shown([...TRANSCRIPT, '', '', ASKED, '1. Yes', '2. No'])).toBe(`${ASKED}\n1. Yes\n2. No`);
    expect(shown(['WORKING task', ASKED])).toBe(ASKED);
  });

  test('is the newest one if an earlier one is still above it', () => {
    expect(shown(['Do you want tea? (y/n)', 'y', ...TRANSCRIPT, ASKED])).toBe(ASKED);
  });
});
