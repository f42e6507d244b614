import type { ServerResponse } from 'node:http';
import { json, type ModelRequest, type Protocol, partsOf, type StepPart, textOf, USED } from './script.ts';

/**
 * OpenAI Responses, as Codex 0.171.0 speaks it (`POST /v1/responses`, always streamed; the whole conversation comes
 * with each request in `input`).
 *
 * MCP tools come as namespaces: `{type: 'namespace', name: 'mcp__mam', tools: [{name: 'publish_event'}]}`, and are
 * called by both names. The other tools have no namespace. Distinguished from the agent's own turns and answered here:
 * the thread that makes a title for the session (it offers no tools).
 */
export const responses: Protocol = {
  name: 'responses',
  handles: (method, path) => method === 'POST' && path === '/v1/responses',
  async answer(request, body, model, response) {
    const asked = body as Body;
    const tools = toolNames(asked.tools ?? []);
    const step = tools.length === 0 ? { say: TITLE } : await model(readRequest(asked, tools));
    if (request.socket.destroyed) return;
    if ('fail' in step) return fail(response, step.fail, step.message);
    stream(
      response,
      partsOf(step).map((one) => itemFor(one, asked)),
    );
  },
};

/** Codex asks for a title with a JSON schema; text that fits it is used unchanged. */
const TITLE = '{"title":"A job"}';

/** Name of our server's namespace in Codex. */
const OURS = 'mcp__mam';

interface Tool {
  type: string;
  name?: string;
  tools?: { name: string }[];
}

type Item =
  | { type: 'message'; role: string; content: { type: string; text?: string }[] | string }
  | { type: 'function_call'; call_id: string; name: string; namespace?: string; arguments: string }
  | { type: 'function_call_output'; call_id: string; output: string | { type: string; text?: string }[] };

interface Body {
  input?: Item[];
  tools?: Tool[];
  client_metadata?: Record<string, string>;
}

/** The tools' names; those of a namespace as `namespace__name`. */
function toolNames(tools: Tool[]): string[] {
  return tools.flatMap((tool) =>
    tool.type === 'namespace'
      ? (tool.tools ?? []).map((inner) => `${tool.name}__${inner.name}`)
      : [tool.name ?? tool.type],
  );
}

function readRequest(body: Body, tools: string[]): ModelRequest {
  const called = new Map<string, string>();
  const prompts: string[] = [];
  const results: ModelRequest['results'] = [];
  for (const item of body.input ?? []) {
    if (item.type === 'function_call') called.set(item.call_id, item.name);
    else if (item.type === 'function_call_output') {
      results.push({ tool: called.get(item.call_id) ?? '', text: textOf(item.output) });
    } else if (item.type === 'message' && item.role === 'user') {
      const text = textOf(item.content);
      // What Codex tells its model about the folder, the shell and AGENTS.md also comes as a user message.
      if (!/^\s*(<[a-z_]+>|# AGENTS\.md )/.test(text)) prompts.push(text);
    }
  }
  return { prompts, results, tools, body };
}

let calls = 0;

function itemFor(step: StepPart, body: Body): Record<string, unknown> {
  const id = `${process.pid}_${++calls}`;
  if ('say' in step) {
    const content = [{ type: 'output_text', text: step.say, annotations: [] }];
    return { type: 'message', id: `msg_${id}`, role: 'assistant', status: 'completed', content };
  }
  const call = { type: 'function_call', id: `fc_${id}`, call_id: `call_${id}`, status: 'completed' };
  if ('call' in step) {
    return { ...call, namespace: OURS, name: step.call, arguments: JSON.stringify(step.args) };
  }
  return { ...call, ...shellCall(step.shell, body) };
}

/**
 * `exec_command`, or `shell_command` with other metadata of the model. A command in the sandbox just runs, so to have
 * the user asked it must request to run outside. With full access, and when nobody may be asked, that is refused.
 */
function shellCall(command: string, body: Body): { name: string; arguments: string } {
  const shell = body.tools?.find((tool) => tool.name === 'exec_command' || tool.name === 'shell_command');
  const turn = body.client_metadata?.['x-codex-turn-metadata'] ?? '';
  const escalated = { sandbox_permissions: 'require_escalated', justification: 'May I run this?' };
  const words = shell?.name === 'shell_command' ? { command } : { cmd: command };
  return {
    name: shell?.name ?? 'exec_command',
    arguments: JSON.stringify({ ...words, ...(!turn.includes('"danger-full-access"') && escalated) }),
  };
}

function stream(response: ServerResponse, items: Record<string, unknown>[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (type: string, fields: Record<string, unknown>) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  const id = `resp_${process.pid}_${++calls}`;
  const usage = {
    input_tokens: USED.input,
    input_tokens_details: { cached_tokens: USED.cached },
    output_tokens: USED.output,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: USED.input + USED.output,
  };
  send('response.created', { response: { id, status: 'in_progress' } });
  items.forEach((item, output_index) => {
    send('response.output_item.added', { output_index, item: { ...item, ...begun(item) } });
    if (item['type'] === 'message') {
      const [part] = item['content'] as { text: string }[];
      send('response.output_text.delta', { output_index, item_id: item['id'], delta: part?.text ?? '' });
    }
    send('response.output_item.done', { output_index, item });
  });
  send('response.completed', { response: { id, status: 'completed', output: items, usage } });
  response.end();
}

/** An item as it is announced, before its contents come. */
function begun(item: Record<string, unknown>): Record<string, unknown> {
  const empty = item['type'] === 'message' ? { content: [] } : { arguments: '' };
  return { status: 'in_progress', ...empty };
}

function fail(response: ServerResponse, status: number, text = 'The script says so'): void {
  const type = status === 429 ? 'rate_limit_exceeded' : 'server_error';
  json(response, status, { error: { message: text, type, code: type } });
}
