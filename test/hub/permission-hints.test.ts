import { expect, test } from 'vitest';
import type { ShownDialog } from '../../src/hub/dialogs/shown-dialog.ts';
import { PermissionHints } from '../../src/hub/permissions/permission-hints.ts';
import type { HookReport } from '../../src/job/hook.ts';

const hint = (input: string, tool = 'run_shell_command'): HookReport => ({
  type: 'permission_required',
  tool,
  input,
});
const dialog = (input: string, tool = 'run_shell_command'): ShownDialog => ({
  key: `permission\n${tool}\n${input}`,
  name: 'permission',
  tool,
  input,
  whole: true,
  isRead: true,
  commands: ['run_shell_command'],
  remedy: '',
});

const unread: ShownDialog = { ...dialog(''), whole: false, isRead: false };

test('a dialog is not taken for that of a hook that tells of another call', () => {
  const hints = new PermissionHints();
  hints.add('job', hint('touch file-Q'));
  // The hook of file-P, asked for in the same answer, is still on its way.
  expect(hints.take('job', dialog('touch file-P'))).toBeUndefined();
  hints.add('job', hint('touch file-P'));
  expect(hints.takeOnly('job', dialog('touch file-P'))).toBeUndefined();
  expect(hints.take('job', dialog('touch file-P'))).toMatchObject({ input: 'touch file-P' });
  // A command is compared, so it is never taken for another one.
  expect(hints.takeOnly('job', dialog('touch file-P'))).toBeUndefined();
  expect(hints.takeOnly('job', unread)).toMatchObject({ input: 'touch file-Q' });
  expect(hints.takeOnly('job', unread)).toBeUndefined();
});

test('a file is known by the last part of its path', () => {
  const hints = new PermissionHints();
  hints.add('job', hint('/home/me/project/notes.txt', 'write_file'));
  expect(hints.takeOnly('job', dialog('Writing to other.txt', 'write_file'))).toBeUndefined();
  expect(hints.takeOnly('job', dialog('Writing to notes.txt', 'write_file'))).toBeDefined();
});

test('what was put back is for its own dialog only, until the turn ends', () => {
  const hints = new PermissionHints();
  hints.putBack('job', hint('touch file-R'));
  expect(hints.takeOnly('job', unread)).toBeUndefined();
  expect(hints.take('job', dialog('touch file-R'))).toBeDefined();
  hints.putBack('job', hint('touch file-R'));
  hints.drop('job');
  expect(hints.take('job', dialog('touch file-R'))).toBeUndefined();
});
