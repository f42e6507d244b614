import type { ServerResponse } from 'node:http';
import { json, type ModelRequest, type Protocol, partsOf, type StepPart, USED } from './script.ts';

/**
 * Gemini API, as Gemini CLI 0.61.0 speaks it with an API key: `POST /v1beta/models/MODEL:METHOD`, where the turns are
 * `streamGenerateContent?alt=sse` and the whole conversation comes with each request in `contents`.
 *
 * MCP tools are plain functions named `mcp_SERVER_TOOL`; the shell tool is `run_shell_command`. A 400 is shown to the
 * person immediately; 429 and 500 are retried ten times, with pauses of up to 30 s. Distinguished from the agent's own
 * turns and answered here: token counts, embeddings, and everything that offers no tools (which model to route to, who
 * speaks next, loops, summaries). Those ask for JSON by a schema, and get the smallest value that fits it.
 */
export const gemini: Protocol = {
  name: 'gemini',
  handles: (method, path) => method === 'POST' && /^\/v1(beta|alpha)?\/models\/[^/]+:\w+$/.test(path),
  async answer(request, body, model, response) {
    const method = /:(\w+)$/.exec((request.url ?? '').split('?')[0] ?? '')?.[1];
    if (method === 'countTokens') return json(response, 200, { totalTokens: 10 });
    if (method === 'embedContent') return json(response, 200, { embedding: { values: [0] } });
    if (method === 'batchEmbedContents') return json(response, 200, { embeddings: [{ values: [0] }] });
    const asked = (body ?? {}) as Body;
    const tools = (asked.tools ?? [])
      .flatMap((tool) => tool.functionDeclarations ?? [])
      .map((one) => one.name);
    const step = tools.length === 0 ? { say: sideAnswer(asked) } : await model(readRequest(asked, tools));
    if (request.socket.destroyed) return;
    if ('fail' in step) return fail(response, step.fail, step.message);
    const parts = partsOf(step).map((one) => partFor(one));
    const answer = {
      candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0 }],
      usageMetadata: USAGE,
      modelVersion: 'scripted',
    };
    if (method !== 'streamGenerateContent') return json(response, 200, answer);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`data: ${JSON.stringify(answer)}\r\n\r\n`);
  },
};

/** Name of our server's tools in Gemini CLI. */
const OURS = 'mcp_mam_';

/** What Gemini CLI puts around a tool's words. */
const WRAPPER = /^<untrusted_context>\n([\s\S]*)\n<\/untrusted_context>$/;

const USAGE = {
  promptTokenCount: USED.input,
  cachedContentTokenCount: USED.cached,
  candidatesTokenCount: USED.output - 2,
  thoughtsTokenCount: 2,
  totalTokenCount: USED.input + USED.output,
};

interface Schema {
  type?: string;
  enum?: string[];
  properties?: Record<string, Schema>;
  required?: string[];
}

interface Part {
  text?: string;
  functionCall?: { id?: string; name: string; args: Record<string, unknown> };
  functionResponse?: { name: string; response?: Record<string, unknown> };
}

interface Body {
  contents?: { role?: string; parts?: Part[] }[];
  tools?: { functionDeclarations?: { name: string }[] }[];
  generationConfig?: { responseJsonSchema?: Schema; responseSchema?: Schema };
}

function readRequest(body: Body, tools: string[]): ModelRequest {
  const prompts: string[] = [];
  const results: ModelRequest['results'] = [];
  for (const { role, parts = [] } of body.contents ?? []) {
    for (const { functionResponse } of parts) {
      if (functionResponse === undefined) continue;
      const { name, response = {} } = functionResponse;
      const text = response['output'] ?? response['error'] ?? response;
      const shown = typeof text === 'string' ? text : JSON.stringify(text);
      results.push({ tool: ourName(name), text: shown.replace(WRAPPER, '$1') });
    }
    const words = parts.flatMap(({ text }) => (text === undefined || isContext(text) ? [] : [text]));
    if (role === 'user' && words.length > 0) prompts.push(words.join('\n'));
  }
  return { prompts, results, tools, body };
}

/** What Gemini CLI tells its model about the folder and hooks also comes as a user message. */
function isContext(text: string): boolean {
  return /^\s*<(session_context|hook_context)>/.test(text);
}

function ourName(tool: string): string {
  return tool.startsWith(OURS) ? tool.slice(OURS.length) : tool;
}

let calls = 0;

function partFor(step: StepPart): Part {
  if ('say' in step) return { text: step.say };
  const id = `call_${process.pid}_${++calls}`;
  if ('call' in step) return { functionCall: { id, name: OURS + step.call, args: step.args } };
  const args = { command: step.shell, description: 'A step of the script' };
  return { functionCall: { id, name: 'run_shell_command', args } };
}

function sideAnswer(body: Body): string {
  const schema = body.generationConfig?.responseJsonSchema ?? body.generationConfig?.responseSchema;
  return schema === undefined ? 'A job' : JSON.stringify(smallest(schema));
}

/** The smallest value that fits a schema; for an enum its first: `user` speaks next. */
function smallest(schema: Schema): unknown {
  if (schema.enum?.[0] !== undefined) return schema.enum[0];
  switch (schema.type?.toLowerCase()) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, smallest(inner)]),
      );
    case 'array':
      return [];
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return false;
    default:
      return 'x';
  }
}

const STATUS: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
};

function fail(response: ServerResponse, code: number, message = 'The script says so'): void {
  json(response, code, { error: { code, message, status: STATUS[code] ?? 'INTERNAL' } });
}
