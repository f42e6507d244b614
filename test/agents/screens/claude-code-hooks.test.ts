import { describe, expect, it } from 'vitest';
import { reader } from '../../../src/agents/hooks/claude-code.ts';

/** What every payload of Claude Code 2.1.330 has; paths changed. */
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
const { session_id, transcript_path: transcript } = COMMON;

const PROMPT = 'Job demo-abcdefgh was delegated to you: do it.';
const CALL = { tool: 'Bash', input: 'touch made-it' };
const USED = { tool_use_id: 'toolu_26649_4', duration_ms: 203 };
const TOOL_USED = { type: 'tool_used', ...CALL, call_id: 'toolu_26649_4' };
const STOP = {
  stop_hook_active: false,
  last_assistant_message: 'I am done with it.',
  background_tasks: [],
  session_crons: [],
};
const TURN_ENDED = { type: 'turn_ended', text: 'I am done with it.', background: false };
const FAILURES = [
  ['server_error', 'API Error: 500 Internal trouble.', 'api_error'],
  ['authentication_failed', 'Invalid API key · Fix external API key', 'api_error'],
  ['billing_error', 'Credit balance is too low', 'api_error'],
  ['rate_limit', 'API Error: Request rejected (429) · Too many requests', 'rate_limited'],
] as const;

describe('the hooks of Claude Code', () => {
  it.each<[event: string, payload: object, report: object]>([
    ['UserPromptSubmit', { prompt: PROMPT }, { type: 'submitted', text: PROMPT }],
    [
      'PermissionRequest',
      { ...BASH, permission_suggestions: [{ type: 'setMode', mode: 'acceptEdits', destination: 'session' }] },
      { type: 'permission_required', ...CALL },
    ],
    [
      'PermissionRequest',
      { tool_name: 'mcp__other__publish_event', tool_input: { job_id: 'a', event: 'progress' } },
      {
        type: 'permission_required',
        tool: 'mcp__other__publish_event',
        input: '{"job_id":"a","event":"progress"}',
      },
    ],
    [
      'PostToolUse',
      { ...BASH, ...USED, tool_response: { stdout: '', stderr: '', interrupted: false, isImage: false } },
      TOOL_USED,
    ],
    ['PostToolUseFailure', { ...BASH, ...USED, error: 'Exit code 1', is_interrupt: false }, TOOL_USED],
    ['Stop', STOP, TURN_ENDED],
    [
      'Stop',
      {
        ...STOP,
        background_tasks: [{ id: 'bufgy26t6', type: 'shell', status: 'running', command: 'sleep 30' }],
      },
      { ...TURN_ENDED, background: true },
    ],
    ...FAILURES.map(([error, last_assistant_message, type]): [string, object, object] => [
      'StopFailure',
      { error, last_assistant_message },
      { type, text: `${error}: ${last_assistant_message}` },
    ]),
    [
      'SessionStart',
      { source: 'startup', model: 'claude-opus-5-5' },
      { type: 'session_started', model: 'claude-opus-5-5' },
    ],
    ['SessionEnd', { reason: 'prompt_input_exit' }, { type: 'session_ended', text: 'prompt_input_exit' }],
  ])('%s', (event, payload, report) => {
    expect(reader.read(event, { ...IN_TURN, hook_event_name: event, ...payload })).toEqual({
      ...report,
      session_id,
      transcript,
    });
  });

  it('ignores other events and survives an empty payload', () => {
    expect(reader.read('SessionEnd', { ...COMMON, reason: 'clear' })).toBeUndefined();
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

  it("allows only our own server's tools in plan mode", () => {
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
    // There it is asked for only if a user's rule says so.
    expect(isOwn({ permission_mode: 'default' })).toBe(false);
    expect(isOwn({ tool_name: 'mcp__mam__delegate_job' })).toBe(false);
    for (const source of ['project', 'local', 'user', 'plugin', undefined])
      expect(isOwn({ mcp_server: { name: 'mam', source } })).toBe(false);
    expect(isOwn({ mcp_server: { name: 'other', source: 'dynamic' } })).toBe(false);
    expect(isOwn({ mcp_server: undefined })).toBe(false);
  });
});
