import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { ServerNotification } from '@modelcontextprotocol/sdk/types.js';
import { explain } from '../base/errors.ts';
import { clean } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import type { Client, Role } from '../tool/tool.ts';
import { declarations } from './declarations.ts';
import { instructions } from './instructions.ts';
import { offersOf } from './offer-requests.ts';
import { draws, withBoard } from './offers/board.ts';
import { capabilitiesOf } from './offers/offers.ts';
import { badParams } from './wire/protocol-error.ts';
import { logError, logLine } from './wire/stderr.ts';
import type { Work } from './work.ts';

/** Loaded after the handshake, so that the handshake is fast. */
export interface Later {
  /** Everything that calls need. */
  work(): Promise<Work>;
  ready(client: Client): Promise<void>;
}

/** A request for a task is answered like any other, as MCP requires of a server without tasks. */
class TasklessServer extends Server {
  protected override assertTaskHandlerCapability(): void {}
}

/** The MCP server for a role, not yet connected to a transport. @param channel it offers to be a Claude Code channel */
export function createServer(role: Role, channel: boolean, later: Later): Server {
  const server = new TasklessServer(
    { name: 'mam', title: 'multi-agent-mux', version: VERSION },
    {
      capabilities: capabilitiesOf(role, channel),
      instructions: instructions(role, channel),
      // The SDK's own validator would load ajv, to check answers to requests that this server never makes.
      jsonSchemaValidator: {
        getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
      },
    },
  );

  function client(): Client {
    const { name = 'unknown', version = '' } = server.getClientVersion() ?? {};
    return { name, version };
  }

  const drawing = () => draws(role, server.getClientCapabilities());
  const offers = offersOf(server, role, later.work, client, drawing);

  // Handlers with the SDK's schemas would answer a bad parameter with -32603 and zod's message.
  server.fallbackRequestHandler = async (request, extra) => {
    if (request.method === 'tools/list') {
      const tools = await declarations(role);
      return { tools: drawing() ? withBoard(tools) : tools };
    }
    if (request.method !== 'tools/call') return offers.answer(request, extra);
    const { name, arguments: args } = request.params ?? {};
    if (typeof name !== 'string')
      throw badParams('`name` must be the name of a tool; tools/list returns them.');
    let work: Work;
    try {
      work = await offers.work();
    } catch (error) {
      return { isError: true, content: [{ type: 'text', text: explain(error) }] };
    }
    const meta: Record<string, unknown> | undefined = extra._meta;
    const progress = progressTo(meta?.['progressToken'], (notification) =>
      extra.sendNotification(notification),
    );
    return work.call({ name, arguments: args }, { client: client(), meta, signal: extra.signal, progress });
  };

  server.oninitialized = () => {
    later.ready(client()).catch((error) => logLine(`announcement: ${explain(error)}`));
    if (!channel) return;
    const open = offers.work().then((work) => work.openChannel(client()));
    open.catch((error) => logLine(`channel: ${explain(error)}`));
  };

  server.onerror = (error) => logError('protocol', error);
  return server;
}

/** Sends progress if the client asked for it; a client that is gone is not an error. */
function progressTo(token: unknown, send: (notification: ServerNotification) => Promise<void>) {
  let progress = 0;
  return (message: string): void => {
    if (typeof token !== 'string' && typeof token !== 'number') return;
    progress++;
    send({
      method: 'notifications/progress',
      params: { progressToken: token, progress, message: clean(message) },
    }).catch(() => {});
  };
}
