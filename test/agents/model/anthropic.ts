import type { ServerResponse } from 'node:http';
import { json, type ModelRequest, type Protocol, partsOf, type StepPart, textOf, USED } from './script.ts';

/**
 * Anthropic Messages, as Claude Code 2.1.332 speaks it (`POST /v1/messages?beta=true`, always streamed).
 *
 * Distinguished from the agent's own turns and answered here: token counts (`/count_tokens`), the probe of the base URL
 * (`HEAD /`), the quota check (`max_tokens` 1), titles and labels of sessions (no tools offered). Claude Code offers
 * MCP tools late: until its model has asked `ToolSearch` for one, only the name is known. That step is made here, and
 * it is left out of what the model is told.
 */
export const anthropic: Protocol = {
  name: 'anthropic',
  handles: (method, path) =>
    path === '/v1/messages' ||
    path === '/v1/messages/count_tokens' ||
    path === '/v1/models' ||
    (path === '/' && method === 'HEAD'),
  async answer(request, body, model, response) {
    const path = (request.url ?? '').split('?')[0];
    if (request.method === 'HEAD') return void response.writeHead(200).end();
    if (path === '/v1/models') return json(response, 200, { data: [], has_more: false });
    if (path !== '/v1/messages') return json(response, 200, { input_tokens: 10 });
    const asked = body as Body;
    const tools = (asked.tools ?? []).map((tool) => tool.name);
    const isSideCall = tools.length === 0 || asked.max_tokens === 1;
    const step = isSideCall ? { say: label(asked) } : await model(readRequest(asked, tools));
    if (request.socket.destroyed) return;
    if ('fail' in step) return fail(response, step.fail, step.message);
    const blocks = partsOf(step).map((one) => blockFor(one, tools));
    if (asked.stream === true) return stream(response, asked.model, blocks);
    json(response, 200, {
      ...message(asked.model),
      content: blocks,
      stop_reason: stopReason(blocks.at(-1) as Block),
    });
  },
};

/** Name of our server's tools in Claude Code. */
const OURS = 'mcp__mam__';

interface Body {
  model: string;
  stream?: boolean;
  max_tokens?: number;
  tools?: { name: string }[];
  messages: { role: string; content: string | Block[] }[];
}

type Block =
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> }
  | { type: 'tool_result'; tool_use_id: string; content?: string | { type: string; text?: string }[] };

function readRequest(body: Body, tools: string[]): ModelRequest {
  const called = new Map<string, string>();
  const prompts: string[] = [];
  const results: ModelRequest['results'] = [];
  for (const { role, content } of body.messages) {
    const blocks: Block[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    for (const block of blocks) {
      if (block.type === 'tool_use') called.set(block.id, block.name);
      else if (block.type === 'tool_result') {
        const tool = called.get(block.tool_use_id) ?? '';
        if (tool !== 'ToolSearch') results.push({ tool: ourName(tool), text: textOf(block.content) });
      }
    }
    const said = blocks.filter((block) => block.type === 'text').map((block) => block.text);
    const words = said.filter((text) => !isOfTheAgent(text));
    if (role === 'user' && words.length > 0) prompts.push(words.join('\n'));
  }
  return { prompts, results, tools, body };
}

/** The title of a session, as JSON if asked for; otherwise it is shown unchanged in the rule above the input box. */
function label(body: Body): string {
  return JSON.stringify(body).includes('json_schema') ? '{"title":"A job"}' : 'a job';
}

/** What Claude Code itself adds to the user's messages; "Tool loaded." accompanies an answer of ToolSearch. */
function isOfTheAgent(text: string): boolean {
  return text === 'Tool loaded.' || text.trimStart().startsWith('<system-reminder>');
}

function ourName(tool: string): string {
  return tool.startsWith(OURS) ? tool.slice(OURS.length) : tool;
}

let calls = 0;

function blockFor(step: StepPart, tools: string[]): Block {
  if ('say' in step) return { type: 'text', text: step.say };
  const id = `toolu_${process.pid}_${++calls}`;
  if ('shell' in step) {
    const input = { command: step.shell, description: 'A step of the script' };
    return { type: 'tool_use', id, name: 'Bash', input };
  }
  // Its own tools start with a capital letter, such as ReadMcpResourceTool.
  const name = /^[A-Z]/.test(step.call) ? step.call : OURS + step.call;
  if (tools.includes(name)) return { type: 'tool_use', id, name, input: step.args };
  // The model is asked again once the tool is loaded, and makes the same step.
  return { type: 'tool_use', id, name: 'ToolSearch', input: { query: `select:${name}`, max_results: 5 } };
}

function message(model: string): Record<string, unknown> {
  const usage = {
    input_tokens: USED.input - USED.cached - 10,
    cache_creation_input_tokens: 10,
    cache_read_input_tokens: USED.cached,
    output_tokens: 1,
  };
  const id = `msg_${process.pid}_${++calls}`;
  return { id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, usage };
}

function stopReason(block: Block): string {
  return block.type === 'tool_use' ? 'tool_use' : 'end_turn';
}

function stream(response: ServerResponse, model: string, blocks: Block[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (type: string, fields: Record<string, unknown>) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  send('message_start', { message: message(model) });
  blocks.forEach((block, index) => {
    if (block.type === 'tool_use') {
      send('content_block_start', { index, content_block: { ...block, input: {} } });
      const partial_json = JSON.stringify(block.input);
      send('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } });
    } else if (block.type === 'text') {
      send('content_block_start', { index, content_block: { type: 'text', text: '' } });
      send('content_block_delta', { index, delta: { type: 'text_delta', text: block.text } });
    }
    send('content_block_stop', { index });
  });
  const delta = { stop_reason: stopReason(blocks.at(-1) as Block), stop_sequence: null };
  send('message_delta', { delta, usage: { output_tokens: USED.output } });
  send('message_stop', {});
  response.end();
}

/** `x-should-retry` keeps Claude Code from retrying for minutes. */
function fail(response: ServerResponse, status: number, text = 'The script says so'): void {
  const type = status === 429 ? 'rate_limit_error' : status === 401 ? 'authentication_error' : 'api_error';
  response.setHeader('x-should-retry', 'false');
  json(response, status, { type: 'error', error: { type, message: text } });
}
