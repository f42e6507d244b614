import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import type { Role } from '../tool/tool.ts';

/**
 * What `tools/list` answers to a role. The build replaces this function's body with a JSON file: making the schemas
 * would load zod, the tools and all their imports before the client's first turn.
 */
export async function declarations(role: Role): Promise<Tool[]> {
  const [{ Catalog }, { tools }] = await Promise.all([
    import('./catalog.ts'),
    import('../../tools/index.ts'),
  ]);
  return new Catalog(tools, role).declarations;
}
