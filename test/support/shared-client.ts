import { afterAll, afterEach } from 'vitest';
import { McpClient, type StartOptions } from './mcp-client.ts';

/**
 * One MCP client after its handshake, for tests of a file whose calls leave nothing behind. The first test that needs
 * it starts it; it is closed after the last test.
 */
export function sharedClient(): () => Promise<McpClient> {
  let shared: Promise<McpClient> | undefined;
  const begin = async (): Promise<McpClient> => {
    const client = new McpClient();
    await client.initialize();
    return client;
  };
  afterAll(async () => (await shared)?.close());
  return () => {
    shared ??= begin();
    return shared;
  };
}

/** Starts MCP clients, each of which is closed after its test. */
export function clientStarter(): (options?: StartOptions) => McpClient {
  const clients: McpClient[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
  });
  return (options) => {
    const client = new McpClient(options);
    clients.push(client);
    return client;
  };
}
