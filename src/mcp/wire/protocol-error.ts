import { ErrorCode } from '@modelcontextprotocol/sdk/types.js';
import { MamError } from '../../base/errors.ts';
import { clean } from '../../base/text.ts';
import { logError } from './stderr.ts';

/** MCP's own code for a missing resource. */
export const RESOURCE_NOT_FOUND = -32002;

/** A request that is answered by a JSON-RPC error. The SDK's `McpError` would prefix the message with its code. */
export class ProtocolError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The error for invalid parameters; `message` says what to send. */
export function badParams(message: string): ProtocolError {
  return new ProtocolError(ErrorCode.InvalidParams, message);
}

/** Any failure as a client may see it: an expected one with its text, others without details. */
export function asProtocolError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  if (error instanceof MamError) {
    const code = error.code === 'bad_input' ? ErrorCode.InvalidParams : ErrorCode.InternalError;
    return new ProtocolError(code, clean(error.text));
  }
  logError('unexpected', error);
  return new ProtocolError(
    ErrorCode.InternalError,
    'The server encountered an unexpected error; its log (stderr) has the details.',
  );
}
