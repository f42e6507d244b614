import { describe, expect, it } from 'vitest';
import { reader } from '../../../src/agents/hooks/opencode.ts';

/** Recorded from OpenCode 1.18.33 by our plugin (src/agents/opencode-plugin.ts), shortened. */
const sessionID = 'ses_dfb5510c1ffeyOORH9pKJ5zRdM';
const id = 'per_204ab2b90001BkhknuldXD8Fze';
const tool = { messageID: 'msg_204ab2a54001', callID: 'call_2' };
const status = (attempt: number, message: string) => ({
  sessionID,
  status: { type: 'retry', attempt, message, next: 1795375109647 },
});

describe('events of OpenCode', () => {
  it.each([
    ['session.created', { sessionID }, { type: 'session_started' }],
    ['chat.message', { sessionID, text: 'Job x' }, { type: 'submitted', text: 'Job x' }],
    [
      'permission.asked',
      {
        id,
        sessionID,
        permission: 'bash',
        patterns: ['echo hi > made.txt'],
        metadata: { command: 'echo hi > made.txt' },
        always: ['echo *'],
        tool,
      },
      { type: 'permission_required', tool: 'bash', input: 'echo hi > made.txt', call_id: id },
    ],
    [
      'permission.asked',
      {
        id,
        sessionID,
        permission: 'edit',
        patterns: ['a.txt'],
        metadata: { filepath: '/home/me/project/a.txt', diff: '-hello\n+hello you\n' },
        tool,
      },
      { type: 'permission_required', tool: 'edit', input: '/home/me/project/a.txt', call_id: id },
    ],
    [
      'permission.asked',
      { id, sessionID, permission: 'mine_look_up', patterns: ['*'], metadata: {}, always: ['*'], tool },
      { type: 'permission_required', tool: 'mine_look_up', input: '*', call_id: id },
    ],
    [
      'permission.replied',
      { sessionID, requestID: id, reply: 'reject' },
      { type: 'permission_settled', call_id: id, text: 'reject' },
    ],
    ['session.idle', { sessionID, text: 'All done.' }, { type: 'turn_ended', text: 'All done.' }],
    [
      'session.error',
      {
        sessionID,
        error: { name: 'APIError', data: { message: 'The key is bad', statusCode: 400, isRetryable: false } },
      },
      { type: 'api_error', text: 'The key is bad' },
    ],
    [
      'session.error',
      { sessionID, error: { name: 'MessageAbortedError', data: { message: 'Aborted' } } },
      { type: 'interrupted' },
    ],
    [
      'session.status',
      status(1, 'Too many requests'),
      { type: 'rate_limited', text: 'Too many requests', resume_at: '2026-11-22T19:18:29.647Z' },
    ],
    [
      'session.status',
      status(4, 'Cannot connect to API: Unable to connect.'),
      { type: 'api_error', text: 'Cannot connect to API: Unable to connect.' },
    ],
  ])('%s', (event, payload, report) => {
    expect(reader.read(event, payload)).toEqual({ ...report, session_id: sessionID });
  });

  it.each([
    ['session.status', status(1, 'Cannot connect to API: Unable to connect.')],
    ['session.status', { sessionID, status: { type: 'busy' } }],
    ['session.diff', { sessionID, diff: [] }],
  ])('%s that is ignored', (event, payload) => {
    expect(reader.read(event, payload)).toBeUndefined();
  });

  it('answers a permission once, or rejects it with words', () => {
    expect(JSON.parse(reader.answer?.('allow', '') ?? '')).toEqual({ reply: 'once' });
    expect(JSON.parse(reader.answer?.('deny', 'Not now') ?? '')).toEqual({
      reply: 'reject',
      message: 'Not now',
    });
  });
});
