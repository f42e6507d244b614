import type { HookReport } from '../../job/hook.ts';

/** The JSON object that an agent passes to its hooks. */
export type Payload = Readonly<Record<string, unknown>>;

/** How one agent kind's hooks are read; one file per kind. */
export interface HookReader {
  /**
   * @param event the agent's name for the event, as on the hook's command line
   * @param payload the JSON object from the hook's stdin
   * @returns nothing for an event that we don't use
   */
  read(event: string, payload: Payload): HookReport | undefined;
  /** True for a permission request for tools of the server that we started ourselves: `answer` allows it immediately. */
  isOwnCall?(event: string, payload: Payload): boolean;
  /**
   * Stdout of a permission hook that answers its request. Absent if this agent's hooks can't: then decisions are typed.
   * @param reason passed to the agent with a denial
   */
  answer?(decision: 'allow' | 'deny', reason: string): string;
}

/**
 * Makes a reader from a table.
 * @param events what each event reports, by the agent's own name for it
 * @param session the payload's field with the id of the agent's session
 */
export function readEvents(
  events: Readonly<Record<string, (payload: Payload) => HookReport | undefined>>,
  session = 'session_id',
): HookReader['read'] {
  return (event, payload) => {
    const report = Object.hasOwn(events, event) ? events[event]?.(payload) : undefined;
    if (report === undefined) return undefined;
    const { transcript_path, ledger, model } = payload;
    return {
      ...report,
      session_id: string(payload[session]),
      transcript: string(transcript_path),
      ledger: string(ledger),
      model: string(model),
    };
  };
}

/** The value if it is a string. */
export function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The value if it is an object, else an empty one. */
export function record(value: unknown): Payload {
  return typeof value === 'object' && value !== null ? (value as Payload) : {};
}

/** The text with each run of white space as one blank. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** A tool and its input, from the fields `tool_name` and `tool_input`. */
export function toolCall(payload: Payload): { tool: string | undefined; input: string } {
  const input = payload['tool_input'] ?? {};
  // A command or a patch stays as it is: that is what a person reads in the dialog.
  const command = string(record(input)['command']) ?? JSON.stringify(input);
  return { tool: string(payload['tool_name']), input: oneLine(command) };
}
