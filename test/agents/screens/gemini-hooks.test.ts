import { describe, expect, it } from 'vitest';
import { reader } from '../../../src/agents/hooks/gemini.ts';

/** Payloads of Gemini CLI 0.61.0, without what the reader never looks at. */
const COMMON = {
  session_id: '492fd191-21ee-4cc0-bf3e-38310ef7e060',
  transcript_path: '/home/me/.gemini/tmp/project/chats/session-2026-11-22T18-55-492fd191.jsonl',
  cwd: '/home/me/project',
  timestamp: '2026-11-22T18:55:55.307Z',
};
const { session_id } = COMMON;
const read = (event: string, payload: Record<string, unknown>) =>
  reader.read(event, { ...COMMON, hook_event_name: event, ...payload });
const asked = (message: string, details: Record<string, unknown>) =>
  read('Notification', { notification_type: 'ToolPermission', message, details });

describe('the hooks of Gemini CLI', () => {
  it('a session begins and ends; the end comes up to three times', () => {
    expect(read('SessionStart', { source: 'startup' })).toEqual({ type: 'session_started', session_id });
    expect(read('SessionEnd', { reason: 'exit' })).toEqual({
      type: 'session_ended',
      text: 'exit',
      session_id,
    });
  });

  it('a prompt is submitted, the turn ends', () => {
    const prompt = 'Job j-1 was delegated to you: line one\nline two';
    expect(read('BeforeAgent', { prompt })).toEqual({ type: 'submitted', text: prompt, session_id });
    expect(read('AfterAgent', { prompt, prompt_response: 'All done.', stop_hook_active: false })).toEqual({
      type: 'turn_ended',
      text: 'All done.',
      session_id,
    });
  });

  it('a failed or interrupted turn ends without words', () => {
    expect(
      read('AfterAgent', { prompt: 'x', prompt_response: '[no response text]', stop_hook_active: false }),
    ).toEqual({ type: 'turn_ended', text: '', session_id });
  });

  it('a command: the request and the call that was made have the same tool and input', () => {
    const message = 'Tool Confirm Shell Command requires execution';
    const report = asked(message, {
      type: 'exec',
      title: 'Confirm Shell Command',
      command: 'echo hi > out.txt',
      rootCommand: 'echo, redirection (>)',
    });
    const call = { tool: 'run_shell_command', input: 'echo hi > out.txt', session_id };
    expect(report).toEqual({ type: 'permission_required', text: message, ...call });
    expect(
      read('AfterTool', {
        tool_name: 'run_shell_command',
        tool_input: { command: 'echo hi > out.txt', description: 'A step of the script' },
        tool_response: { llmContent: 'Output: (empty)', returnDisplay: '' },
      }),
    ).toEqual({ type: 'tool_used', ...call });
  });

  it('a file to be written or edited', () => {
    const file = { type: 'edit', fileName: 'new.txt', filePath: '/home/me/project/new.txt', fileDiff: '' };
    expect(
      asked('Tool Confirm Write: new.txt requires editing', { ...file, title: 'Confirm Write: new.txt' }),
    ).toMatchObject({ tool: 'write_file', input: '/home/me/project/new.txt' });
    expect(
      asked('Tool Confirm Edit: new.txt requires editing', { ...file, title: 'Confirm Edit: new.txt' }),
    ).toMatchObject({ tool: 'replace', input: '/home/me/project/new.txt' });
  });

  it('a tool of an MCP server, a page of the web, a question of its own', () => {
    expect(
      asked('Tool Confirm MCP Tool Execution requires MCP', {
        type: 'mcp',
        title: 'Confirm MCP Tool Execution',
        serverName: 'mam',
        toolName: 'other_tool',
        toolDisplayName: 'other_tool (mam MCP Server)',
      }),
    ).toMatchObject({ type: 'permission_required', tool: 'mcp_mam_other_tool' });
    expect(
      asked('Tool Confirm Web Fetch requires information', {
        type: 'info',
        title: 'Confirm Web Fetch',
        prompt: 'summarize https://example.com/x',
        urls: ['https://example.com/x'],
      }),
    ).toMatchObject({ tool: 'web_fetch', input: 'summarize https://example.com/x' });
    expect(asked('Tool requires confirmation', { type: 'ask_user', title: 'Ask User' })).toMatchObject({
      type: 'permission_required',
      tool: 'ask_user',
    });
  });

  it('what tells nothing', () => {
    expect(read('PreCompress', { trigger: 'auto' })).toBeUndefined();
    expect(read('Notification', { notification_type: 'Other' })).toBeUndefined();
  });

  it('answers no request: its hooks can not allow one', () => {
    expect(reader.answer).toBeUndefined();
  });
});
