import { describe, expect, it } from 'vitest';
import { reader } from '../../../src/agents/hooks/claude-code.ts';

/** What stands in every payload of Claude Code 2.1.330; paths changed. */
const COMMON = {
  session_id: 'ac00b1f5-9bda-4a38-8fd4-4f0ac55be94d',
  transcript_path: '/home/me/.claude/projects/-home-me-project/ac00b1f5-9bda-4a38-8fd4-4f0ac55be94d.jsonl',
  cwd: '/home/me/project',
};
const IN_TURN = {
  ...COMMON,
  prompt_id: 'c8f50f77-deee-4fcd-b3e0-9ac918d055f1',
  permission_mode: 'default',
  effort: { level: 'medium' },
};
const BASH = {
  tool_name: 'Bash',
  tool_input: { command: 'touch made-it', description: 'A step of the script' },
};
const { session_id } = COMMON;

function read(payload: Record<string, unknown>) {
  return reader.read(String(payload['hook_event_name']), payload);
}

describe('the hooks of Claude Code', () => {
  it('tells a submission', () => {
    const prompt = 'Job demo-abcdefgh was delegated to you: do it.';
    expect(read({ ...IN_TURN, hook_event_name: 'UserPromptSubmit', prompt })).toEqual({
      type: 'submitted',
      text: prompt,
      session_id,
    });
  });

  it('tells what a permission is asked for', () => {
    const permission_suggestions = [{ type: 'setMode', mode: 'acceptEdits', destination: 'session' }];
    expect(
      read({ ...IN_TURN, hook_event_name: 'PermissionRequest', ...BASH, permission_suggestions }),
    ).toEqual({
      type: 'permission_required',
      tool: 'Bash',
      input: 'touch made-it',
      session_id,
    });
    const mcp = { tool_name: 'mcp__other__publish_event', tool_input: { job_id: 'a', event: 'progress' } };
    expect(read({ ...IN_TURN, hook_event_name: 'PermissionRequest', ...mcp })).toMatchObject({
      tool: 'mcp__other__publish_event',
      input: '{"job_id":"a","event":"progress"}',
    });
  });

  it('tells that a tool has run', () => {
    const more = { tool_use_id: 'toolu_26649_4', duration_ms: 203 };
    const tool_response = { stdout: '', stderr: '', interrupted: false, isImage: false };
    const told = {
      type: 'tool_used',
      tool: 'Bash',
      input: 'touch made-it',
      call_id: 'toolu_26649_4',
      session_id,
    };
    expect(read({ ...IN_TURN, hook_event_name: 'PostToolUse', ...BASH, ...more, tool_response })).toEqual(
      told,
    );
    const failed = { hook_event_name: 'PostToolUseFailure', error: 'Exit code 1', is_interrupt: false };
    expect(read({ ...IN_TURN, ...failed, ...BASH, ...more })).toEqual(told);
  });

  it("tells a turn's end with the last words", () => {
    const stop = {
      ...IN_TURN,
      hook_event_name: 'Stop',
      stop_hook_active: false,
      last_assistant_message: 'I am done with it.',
      background_tasks: [],
      session_crons: [],
    };
    const told = { type: 'turn_ended', text: 'I am done with it.', background: false, session_id };
    expect(read(stop)).toEqual(told);
    const background_tasks = [
      { id: 'bufgy26t6', type: 'shell', status: 'running', description: 'long one', command: 'sleep 30' },
    ];
    expect(read({ ...stop, background_tasks })).toEqual({ ...told, background: true });
  });

  it.each([
    ['server_error', 'API Error: 500 Internal trouble.', 'api_error'],
    ['authentication_failed', 'Invalid API key · Fix external API key', 'api_error'],
    ['billing_error', 'Credit balance is too low', 'api_error'],
    ['rate_limit', 'API Error: Request rejected (429) · Too many requests', 'rate_limited'],
  ])('tells a failure: %s', (error, last_assistant_message, type) => {
    const payload = { ...COMMON, hook_event_name: 'StopFailure', error, last_assistant_message };
    expect(read(payload)).toEqual({ type, text: `${error}: ${last_assistant_message}`, session_id });
  });

  it('tells the session', () => {
    const start = { ...COMMON, hook_event_name: 'SessionStart', source: 'startup', model: 'claude-opus-5-5' };
    expect(read(start)).toEqual({ type: 'session_started', session_id });
    const end = { ...COMMON, hook_event_name: 'SessionEnd' };
    expect(read({ ...end, reason: 'prompt_input_exit' })).toEqual({
      type: 'session_ended',
      text: 'prompt_input_exit',
      session_id,
    });
    expect(read({ ...end, reason: 'clear' })).toBeUndefined();
  });

  it('says nothing of other events and survives an empty payload', () => {
    expect(reader.read('Notification', { message: 'Claude needs your permission' })).toBeUndefined();
    expect(reader.read('Stop', {})).toMatchObject({ type: 'turn_ended', text: undefined });
    expect(reader.read('PermissionRequest', {})).toMatchObject({ type: 'permission_required', input: '{}' });
  });

  it('answers as the program understands it', () => {
    expect(JSON.parse(reader.answer?.('allow', '') ?? '')).toEqual({
      hookSpecificOutput: { hookEventName: 'PermissionRequest', decision: { behavior: 'allow' } },
    });
    expect(JSON.parse(reader.answer?.('deny', 'not now') ?? '')).toEqual({
      hookSpecificOutput: {
        hookEventName: 'PermissionRequest',
        decision: { behavior: 'deny', message: 'not now' },
      },
    });
  });

  it("allows our own server's own tools in plan mode, and nothing else", () => {
    const call = {
      ...IN_TURN,
      permission_mode: 'plan',
      hook_event_name: 'PermissionRequest',
      tool_name: 'mcp__mam__publish_event',
      tool_input: { job_id: 'a', event: 'started' },
      mcp_server: { name: 'mam', source: 'dynamic' },
    };
    const isOwn = (more: object, event = 'PermissionRequest') =>
      reader.isOwnCall?.(event, { ...call, ...more });
    expect(isOwn({})).toBe(true);
    expect(isOwn({ tool_name: 'mcp__mam__job_status' })).toBe(true);
    expect(isOwn({}, 'PostToolUse')).toBe(false);
    // There it is asked for only where a rule of the user's says so.
    expect(isOwn({ permission_mode: 'default' })).toBe(false);
    expect(isOwn({ tool_name: 'mcp__mam__delegate_job' })).toBe(false);
    for (const source of ['project', 'local', 'user', 'plugin', undefined])
      expect(isOwn({ mcp_server: { name: 'mam', source } })).toBe(false);
    expect(isOwn({ mcp_server: { name: 'other', source: 'dynamic' } })).toBe(false);
    expect(isOwn({ mcp_server: undefined })).toBe(false);
  });
});
