import type { ServerResponse } from 'node:http';
import { json, type ModelRequest, type Protocol, partsOf, type StepPart, USED } from './script.ts';

/** The parts of a chat message that are read here. */
interface Message {
  role: string;
  content?: string | { type: string; text?: string }[] | null;
  tool_calls?: { id: string; function: { name: string } }[];
  tool_call_id?: string;
}

interface ChatBody {
  model?: string;
  stream?: boolean;
  messages: Message[];
  tools?: { function: { name: string; parameters?: { properties?: Record<string, unknown> } } }[];
}

/** The content of a model's answer: words, or one tool call. */
type Answer = { content: string } | { name: string; args: Record<string, unknown> };

/** Names of the tools that run a shell command. OpenCode 1.18.33: `bash`. */
const SHELLS = ['bash', 'shell'];

/**
 * OpenAI chat completions (`POST …/chat/completions`), streamed as server-sent events or in one piece, as asked.
 *
 * OpenCode 1.18.33 (provider `@ai-sdk/openai-compatible`) calls an MCP tool `SERVER_TOOL`. Its side calls (the title of
 * a new session, next to the first turn) come without tools: they are answered here without asking the model. For
 * another agent: see how it names MCP tools (`toolName`) and its shell (`SHELLS`).
 */
export const chat: Protocol = {
  name: 'chat',
  handles: (method, path) => method === 'POST' && path.endsWith('/chat/completions'),
  async answer(_request, body, model, response) {
    const asked = body as ChatBody;
    if ((asked.tools ?? []).length === 0) {
      send(response, asked, { content: 'A job' });
      return;
    }
    const step = await model(readRequest(asked));
    if ('fail' in step) {
      const message = step.message ?? `scripted failure ${step.fail}`;
      json(response, step.fail, { error: { message, type: 'error', code: String(step.fail) } });
      return;
    }
    send(response, asked, ...partsOf(step).map((one) => toAnswer(one, asked)));
  },
};

function readRequest(body: ChatBody): ModelRequest {
  const names = new Map<string, string>();
  const request: ModelRequest = { prompts: [], results: [], tools: toolNames(body), body };
  for (const message of body.messages) {
    for (const call of message.tool_calls ?? []) names.set(call.id, call.function.name);
    if (message.role === 'user') request.prompts.push(textOf(message));
    if (message.role === 'tool') {
      request.results.push({ tool: names.get(message.tool_call_id ?? '') ?? '', text: textOf(message) });
    }
  }
  return request;
}

function textOf({ content }: Message): string {
  return typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('');
}

function toolNames(body: ChatBody): string[] {
  return (body.tools ?? []).map((tool) => tool.function.name);
}

function toAnswer(step: StepPart, body: ChatBody): Answer {
  if ('say' in step) return { content: step.say };
  if ('call' in step) return { name: toolName(step.call, toolNames(body)), args: step.args };
  const shell = body.tools?.find((tool) => SHELLS.includes(tool.function.name))?.function;
  if (shell === undefined) return { content: 'There is no shell tool.' };
  const described = shell.parameters?.properties?.['description'] !== undefined;
  return {
    name: shell.name,
    args: { command: step.shell, ...(described && { description: 'Runs a command' }) },
  };
}

/** Ours is `mam_NAME`; a tool of the agent itself may be called by its exact name, such as `edit`. */
function toolName(call: string, tools: string[]): string {
  return tools.find((name) => name.endsWith(`_${call}`)) ?? call;
}

let calls = 0;

function send(response: ServerResponse, body: ChatBody, ...answers: Answer[]): void {
  const [answer = { content: '' }] = answers;
  const id = `chatcmpl-${++calls}`;
  const common = { id, created: 1, model: body.model ?? 'scripted' };
  const usage = {
    prompt_tokens: USED.input,
    prompt_tokens_details: { cached_tokens: USED.cached },
    completion_tokens: USED.output,
    total_tokens: USED.input + USED.output,
  };
  const reason = 'name' in answer ? 'tool_calls' : 'stop';
  const message =
    'name' in answer
      ? {
          role: 'assistant',
          content: null,
          tool_calls: answers.flatMap((one, index) =>
            'name' in one
              ? [
                  {
                    index,
                    id: `call_${calls}_${index}`,
                    type: 'function',
                    function: { name: one.name, arguments: JSON.stringify(one.args) },
                  },
                ]
              : [],
          ),
        }
      : { role: 'assistant', content: answer.content };
  if (body.stream !== true) {
    const choices = [{ index: 0, message, finish_reason: reason }];
    json(response, 200, { ...common, object: 'chat.completion', choices, usage });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const chunk = (delta: unknown, finish_reason: string | null, more = {}) =>
    response.write(
      `data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }], ...more })}\n\n`,
    );
  chunk(message, null);
  chunk({}, reason, { usage });
  response.end('data: [DONE]\n\n');
}
