import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  ErrorCode,
  type JSONRPCRequest,
  type ListResourcesResult,
  type Result,
  type ServerCapabilities,
  type ServerNotification,
} from '@modelcontextprotocol/sdk/types.js';
import { cleanAll } from '../base/text.ts';
import type { Client, Role } from '../tool/tool.ts';
import { BOARD_RESOURCE, BOARD_URI, readBoard } from './offers/board.ts';
import { capabilitiesOf, JOBS_RESOURCE, type Notify, promptsOf, TEMPLATES } from './offers/offers.ts';
import { ProtocolError } from './wire/protocol-error.ts';
import { logError } from './wire/stderr.ts';
import type { Work } from './work.ts';

/** An update of the package removes the files of a running server. */
const NOT_LOADED =
  'This server could not load its own files, most likely because multi-agent-mux was updated while it ran. Restart the MCP client, or reconnect its server mam.';

/** The methods that are not about tools, each with its capability. */
const METHODS: Readonly<Record<string, keyof ServerCapabilities>> = {
  'resources/list': 'resources',
  'resources/templates/list': 'resources',
  'resources/read': 'resources',
  'resources/subscribe': 'resources',
  'resources/unsubscribe': 'resources',
  'prompts/list': 'prompts',
  'prompts/get': 'prompts',
  'completion/complete': 'completions',
};

/**
 * Answers requests that are not about tools. Clients request the lists right after the handshake: those cost nothing,
 * and nothing is loaded or connected until something is read, subscribed to or completed.
 * @param drawing whether the client can show pages
 * @returns `work`, which loads the rest (for tools too), and `answer`, which answers a request
 */
export function offersOf(
  server: Server,
  role: Role,
  load: () => Promise<Work>,
  client: () => Client,
  drawing: () => boolean,
) {
  const capabilities = capabilitiesOf(role);
  let loaded: Work | undefined;
  let listed = false;

  const notify: Notify = async (notification) => {
    // A client that never requested the list has none that could be outdated.
    if (notification.method === 'notifications/resources/list_changed' && !listed) return;
    await server.notification(cleanAll(notification as ServerNotification));
  };

  async function work(): Promise<Work> {
    loaded = await files(load);
    loaded.notify = notify;
    return loaded;
  }

  async function answer(
    { method, params = {} }: JSONRPCRequest,
    { signal }: { signal: AbortSignal },
  ): Promise<Result> {
    const capability = METHODS[method];
    if (capability === undefined || capabilities[capability] === undefined) {
      const named = /^[\w$./-]{1,80}$/.test(method) ? `: ${method}` : '';
      throw new ProtocolError(ErrorCode.MethodNotFound, `Method not found${named}`);
    }
    if (method === 'prompts/list') return { prompts: promptsOf(role) };
    if (method === 'resources/templates/list') return { resourceTemplates: TEMPLATES };
    if (method === 'resources/list') {
      listed = true;
      // Without a connection no job is known.
      const { resources } =
        loaded === undefined ? { resources: [JOBS_RESOURCE] } : await ask<ListResourcesResult>();
      return { resources: drawing() ? [...resources, BOARD_RESOURCE] : resources };
    }
    if (method === 'resources/read' && params['uri'] === BOARD_URI && drawing()) return files(readBoard);
    return ask();

    async function ask<R extends Result>(): Promise<R> {
      const asked = { client: client(), meta: params._meta, signal };
      return (await (await work()).ask(method, params, asked)) as R;
    }
  }
  return { work, answer };
}

/** Reads files of the program. @throws ProtocolError if they are gone */
async function files<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    logError('loading', error);
    throw new ProtocolError(ErrorCode.InternalError, NOT_LOADED);
  }
}
