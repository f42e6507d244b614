import type { Tool as Declaration } from '@modelcontextprotocol/sdk/types.js';
import { MamError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import type { Role, Tool } from '../tool/tool.ts';
import { toJsonSchema } from './json-schema.ts';

/** The tools of one role by name; their declarations are made only once. */
export class Catalog {
  readonly #tools: Map<string, Tool>;
  #declarations: Declaration[] | undefined;

  constructor(tools: readonly Tool[], role: Role) {
    this.#tools = new Map(tools.filter((tool) => tool.roles.includes(role)).map((tool) => [tool.name, tool]));
  }

  /** What `tools/list` answers: always the same, in the same order. */
  get declarations(): Declaration[] {
    this.#declarations ??= [...this.#tools.values()].map(declare);
    return this.#declarations;
  }

  /** The tool with that name. @throws MamError `not_found` that names the known tools */
  find(name: string): Tool {
    const tool = this.#tools.get(name);
    if (tool !== undefined) return tool;
    const names = [...this.#tools.keys()];
    const near = nearest(name, names);
    const meant = near === undefined ? '' : `Did you mean ${near}? `;
    throw new MamError(
      'not_found',
      'This server has no tool with that name.',
      `${meant}The tools are: ${names.join(', ')}.`,
    );
  }

  /** True for a tool whose calls wait for something, such as a job's end. */
  blocks(name: string): boolean {
    return this.#tools.get(name)?.blocks === true;
  }
}

function declare(tool: Tool): Declaration {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: toJsonSchema(tool.inputSchema, 'input') as Declaration['inputSchema'],
    outputSchema: toJsonSchema(tool.outputSchema, 'output') as Declaration['outputSchema'],
    annotations: { title: tool.title, ...tool.annotations },
    ...(tool.meta === undefined ? {} : { _meta: tool.meta }),
  };
}
