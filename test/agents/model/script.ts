import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request to a scripted model, in the same form for every agent. */
export interface ModelRequest {
  /** The text of every user message, oldest first, without tool results. */
  prompts: string[];
  /** The results of the tool calls that the model has made in this conversation, oldest first, as text. */
  results: { tool: string; text: string }[];
  /** The tools that the agent offers, by the agent's own names. */
  tools: string[];
  /** The whole request as the agent sent it. */
  body: unknown;
}

/** One part of a scripted model's answer. */
export type StepPart =
  | { say: string }
  /** Calls a tool of our MCP server, by our name for it (`publish_event`). */
  | { call: string; args: Record<string, unknown> }
  /** Has the agent run a shell command. */
  | { shell: string };

/** What a scripted model answers. */
export type ModelStep =
  | StepPart
  /** Several tool calls in one answer. */
  | { many: readonly StepPart[] }
  /** The service fails with this HTTP status. */
  | { fail: number; message?: string };

/** What each answer of a scripted model has used, in tokens: `cached` is part of `input`. */
export const USED = { input: 100, cached: 40, output: 7 } as const;

/** The parts of a successful answer. */
export function partsOf(step: Exclude<ModelStep, { fail: number }>): readonly StepPart[] {
  return 'many' in step ? step.many : [step];
}

/** The text of a message, or of the result of a tool call. */
export function textOf(content: string | { text?: string }[] | undefined): string {
  return typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('\n');
}

/** Answers a request with JSON. */
export function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/**
 * A model: decides what comes next from everything said before. Not asked for an agent's side calls (titles, summaries,
 * token counts): the protocol answers those itself.
 */
export type Model = (request: ModelRequest) => ModelStep | Promise<ModelStep>;

/** One provider's API, as far as an agent needs it. */
export interface Protocol {
  name: string;
  /** True for the requests that this protocol answers. */
  handles(method: string, path: string): boolean;
  /** Answers one request; `body` is its JSON, or undefined. */
  answer(request: IncomingMessage, body: unknown, model: Model, response: ServerResponse): Promise<void>;
}
