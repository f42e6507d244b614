import { readFile } from 'node:fs/promises';
import type {
  ClientCapabilities,
  ReadResourceResult,
  Resource,
  Tool,
} from '@modelcontextprotocol/sdk/types.js';
import type { Role } from '../../tool/tool.ts';

/** The board of a client that can draw: MCP Apps, version 2026-01-26 of its specification (SEP-1865). */

export const BOARD_URI = 'ui://mam/board';
const EXTENSION = 'io.modelcontextprotocol/ui';
const PAGE_TYPE = 'text/html;profile=mcp-app';
/** The tool whose result opens the board. */
const OPENER = 'list_jobs';
/** Next to server.js; made by scripts/build.mjs from src/boards/page/. */
const FILE = new URL('./board.html', import.meta.url);
/** Names no origins that the page may access, so that a client allows none. */
const META = { ui: { prefersBorder: true } };

export const BOARD_RESOURCE: Resource = {
  uri: BOARD_URI,
  name: 'board',
  title: 'Board of the delegated jobs',
  description:
    'A live page of the delegated jobs: which ones need attention, what each peer said last, its history and its screen. Questions can be answered and permissions decided there.',
  mimeType: PAGE_TYPE,
  annotations: { audience: ['user'], priority: 0.5 },
  _meta: META,
};

/** True for a client that can show such pages. Never for a peer, which must not see every job of the project. */
export function draws(role: Role, capabilities: ClientCapabilities | undefined): boolean {
  const types = (capabilities?.extensions?.[EXTENSION] as { mimeTypes?: unknown } | undefined)?.mimeTypes;
  return role === 'supervisor' && Array.isArray(types) && types.includes(PAGE_TYPE);
}

/** The tools as declared to a client that can show the board. */
export function withBoard(tools: readonly Tool[]): Tool[] {
  return tools.map((tool) => {
    if (tool.name !== OPENER) return tool;
    // The flat name is for clients from before 2026.
    const opens = { ui: { resourceUri: BOARD_URI }, 'ui/resourceUri': BOARD_URI };
    return { ...tool, _meta: { ...tool._meta, ...opens } };
  });
}

/** The page itself. @throws if its file is gone, as after an update of the package */
export async function readBoard(): Promise<ReadResourceResult> {
  const text = await readFile(FILE, 'utf8');
  return { contents: [{ uri: BOARD_URI, mimeType: PAGE_TYPE, text, _meta: META }] };
}
