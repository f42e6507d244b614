import { describe, expect, it } from 'vitest';
import { reader } from '../../../src/agents/hooks/gemini.ts';

/** Payloads of Gemini CLI 0.61.0, without fields that are never read. */
const COMMON = {
  session_id: '492fd191-21ee-4cc0-bf3e-38310ef7e060',
  transcript_path: '/home/me/.gemini/tmp/project/chats/session-2026-11-22T18-55-492fd191.jsonl',
  cwd: '/home/me/project',
  timestamp: '2026-11-22T18:55:55.307Z',
};
const { session_id, transcript_path: transcript } = COMMON;
const read = (event: string, payload: Record<string, unknown>) =>
  reader.read(event, { ...COMMON, hook_event_name: event, ...payload });
const COMMAND = 'echo hi > out.txt';
const CALL = { tool: 'run_shell_command', input: COMMAND };
const FILE = { type: 'edit', fileName: 'new.txt', filePath: '/home/me/project/new.txt', fileDiff: '' };

describe('the hooks of Gemini CLI', () => {
  it.each<[event: string, payload: Record<string, unknown>, report: object]>([
    ['SessionStart', { source: 'startup' }, { type: 'session_started' }],
    // Comes up to three times.
    ['SessionEnd', { reason: 'exit' }, { type: 'session_ended', text: 'exit' }],
    ['BeforeAgent', { prompt: 'one\ntwo' }, { type: 'submitted', text: 'one\ntwo' }],
    ['AfterAgent', { prompt: 'x', prompt_response: 'All done.' }, { type: 'turn_ended', text: 'All done.' }],
    // A failed or interrupted turn.
    ['AfterAgent', { prompt: 'x', prompt_response: '[no response text]' }, { type: 'turn_ended', text: '' }],
    [
      'AfterTool',
      {
        tool_name: 'run_shell_command',
        tool_input: { command: COMMAND, description: 'A step of the script' },
      },
      { type: 'tool_used', ...CALL },
    ],
  ])('%s', (event, payload, report) => {
    expect(read(event, payload)).toEqual({ ...report, session_id, transcript });
  });

  it.each<[message: string, details: object, call: { tool: string; input: string }]>([
    [
      'Tool Confirm Shell Command requires execution',
      { type: 'exec', command: COMMAND, rootCommand: 'echo, redirection (>)' },
      CALL,
    ],
    [
      'Tool Confirm Write: new.txt requires editing',
      { ...FILE, title: 'Confirm Write: new.txt' },
      { tool: 'write_file', input: FILE.filePath },
    ],
    [
      'Tool Confirm Edit: new.txt requires editing',
      { ...FILE, title: 'Confirm Edit: new.txt' },
      { tool: 'replace', input: FILE.filePath },
    ],
    [
      'Tool Confirm MCP Tool Execution requires MCP',
      {
        type: 'mcp',
        serverName: 'mam',
        toolName: 'other_tool',
        toolDisplayName: 'other_tool (mam MCP Server)',
      },
      { tool: 'mcp_mam_other_tool', input: '' },
    ],
    [
      'Tool Confirm Web Fetch requires information',
      { type: 'info', prompt: 'summarize https://example.com/x', urls: ['https://example.com/x'] },
      { tool: 'web_fetch', input: 'summarize https://example.com/x' },
    ],
    ['Tool requires confirmation', { type: 'ask_user', title: 'Ask User' }, { tool: 'ask_user', input: '' }],
  ])('%s', (text, details, call) => {
    const report = read('Notification', { notification_type: 'ToolPermission', message: text, details });
    expect(report).toEqual({ type: 'permission_required', text, ...call, session_id, transcript });
  });

  it('ignores other events', () => {
    expect(read('PreCompress', { trigger: 'auto' })).toBeUndefined();
    expect(read('Notification', { notification_type: 'Other' })).toBeUndefined();
  });

  it('answers no request: its hooks cannot allow one', () => {
    expect(reader.answer).toBeUndefined();
  });
});
