import { Tiktoken } from 'js-tiktoken/lite';
import ranks from 'js-tiktoken/ranks/o200k_base';

/** A tool of `tools/list`. */
export interface ListedTool {
  name: string;
  description?: string | undefined;
  inputSchema: object;
}

/** What the whole list of tools may cost a model, by either estimate. */
export const MOST_TOKENS = 3_500;

/** OpenAI's public tokenizer. Claude's and Gemini's are not public, so characters are counted as well. */
const encoding = new Tiktoken(ranks);

/** The length of a text in tokens of o200k_base. */
export function tokens(text: string): number {
  return encoding.encode(text).length;
}

/**
 * The tools as a client presents them to its model: name, description and input schema. Title, output schema,
 * annotations and `_meta` stay with the client (docs/contributing/clients.md says how that was observed).
 */
export function asModelsGetThem(tools: readonly ListedTool[]): string {
  return JSON.stringify(
    tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
  );
}

/** The minimum for the same tools: names, parameters and their types, without descriptions. */
export function barely(tools: readonly ListedTool[]): string {
  return asModelsGetThem(
    tools.map(({ name, inputSchema }) => ({ name, inputSchema: withoutWords(inputSchema) as object })),
  );
}

function withoutWords(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  const { description: _, properties, ...rest } = schema as Record<string, unknown>;
  const inner = Object.entries((properties ?? {}) as object).map(([name, one]) => [name, withoutWords(one)]);
  return { ...rest, ...(properties !== undefined && { properties: Object.fromEntries(inner) }) };
}
