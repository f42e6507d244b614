import type { ShownPermission } from '../../src/agents/kind.ts';

/** What a dialog shows, with its rows in one line. */
export function inOneLine(shown: ShownPermission | undefined): ShownPermission | undefined {
  return shown && { ...shown, input: shown.input.replaceAll('\n', ' ') };
}
