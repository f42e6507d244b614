import { clean } from '../../base/text.ts';

/** Writes one line to stderr, which MCP clients store as the server's log; stdout belongs to the protocol. */
export function logLine(text: string): void {
  try {
    process.stderr.write(`mam: ${clean(text)}\n`);
  } catch {
    // A closed stderr is no reason to stop serving.
  }
}

/** Logs an unexpected error with its stack, for readers of the client's log. */
export function logError(what: string, error: unknown): void {
  logLine(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}
