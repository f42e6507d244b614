import type { HookReader, HookReport } from './hook-report.ts';

/** Reads an event, and adds to what it says the agent's own session where the payload names one. */
export function withSession(read: HookReader['read'], key = 'session_id'): HookReader['read'] {
  return (event, payload) => {
    const report: HookReport | undefined = read(event, payload);
    const session_id = string(payload[key]);
    return report === undefined || session_id === undefined ? report : { ...report, session_id };
  };
}

/** What was given where it is a text. */
export function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** What was given where it has fields, else none. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** The text with each run of white space as one blank. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** The tool of a call and what it shall do, from the fields `tool_name` and `tool_input`. */
export function toolCall(payload: Record<string, unknown>): { tool: string | undefined; input: string } {
  const input = payload['tool_input'] ?? {};
  // A command or a patch is told as it is: that is what a person reads in the dialog.
  const command = string(record(input)['command']) ?? JSON.stringify(input);
  return { tool: string(payload['tool_name']), input: oneLine(command) };
}
