import { expect, test } from 'vitest';
import { Catalog } from '../../src/mcp/catalog.ts';
import { tools } from '../../tools/index.ts';

const FORBIDDEN = [
  '$ref',
  '$defs',
  'definitions',
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'pattern',
  'patternProperties',
  'prefixItems',
  'format',
  'propertyNames',
  'const',
  '$schema',
];
const { declarations } = new Catalog(tools, 'supervisor');

test('the same tools, with the same hints, for every client', () => {
  expect(
    declarations.map(({ name, annotations: a }) => [
      name,
      a?.readOnlyHint,
      a?.destructiveHint,
      a?.idempotentHint,
      a?.openWorldHint,
    ]),
  ).toEqual([
    ['delegate_job', false, false, false, false],
    ['wait_job', true, false, true, false],
    ['answer_job', false, false, false, false],
    ['job_status', true, false, true, false],
    ['list_jobs', true, false, true, false],
    ['job_logs', true, false, true, false],
    ['verify_job', false, false, false, false],
    ['cancel_job', false, true, true, false],
    ['list_agents', true, false, true, false],
    ['start_agent', false, false, false, false],
    ['stop_agent', false, true, false, false],
    ['publish_event', false, false, true, false],
  ]);
  const loaded = declarations
    .filter((tool) => tool._meta?.['anthropic/alwaysLoad'] === true)
    .map((tool) => tool.name);
  expect(loaded).toEqual(['delegate_job', 'wait_job', 'publish_event']);
});

test.each(declarations)('$name is declared in words that every client understands', (tool) => {
  expect(tool.title).toBeTruthy();
  expect(tool.description?.length).toBeGreaterThanOrEqual(300);
  expect(tool.description?.length).toBeLessThanOrEqual(900);
  // Gemini CLI's prefix is mcp_mam_, OpenCode's mam_; the model services allow 64 characters with it.
  expect(`mcp__mam__${tool.name}`).toMatch(/^[a-z_]{1,64}$/);
  for (const schema of [tool.inputSchema, tool.outputSchema]) {
    expect(schema?.type).toBe('object');
    for (const node of nodes(schema)) {
      const seen = JSON.stringify(node);
      for (const word of FORBIDDEN) expect(Object.keys(node), seen).not.toContain(word);
      // No union of types, and no list of item schemas: Codex would drop the whole tool.
      expect(['object', 'array', 'string', 'number', 'integer', 'boolean'], seen).toContain(node['type']);
      if (node['type'] === 'object') expect(node['additionalProperties']).toBe(false);
      if (node['type'] === 'array') expect(nodes(node['items']), seen).not.toEqual([]);
    }
  }
  expect(Object.keys(tool.outputSchema?.properties ?? {})[0]).toBe('summary');
  const required = new Set(tool.outputSchema?.required);
  expect(required.has('summary')).toBe(true);
});

const parameters = declarations.flatMap(({ name: tool, inputSchema }) =>
  Object.entries(inputSchema.properties ?? {}).map(([name, schema]) => ({
    tool,
    name,
    needed: inputSchema.required?.includes(name) === true,
    schema: schema as Record<string, unknown>,
  })),
);

// Codex strips default, min, max, pattern and maxItems before its model sees them.
test.each(parameters)('$tool says default and limits of $name in words', ({ needed, schema }) => {
  const words = String(schema['description'] ?? '');
  expect(words.length).toBeGreaterThan(20);
  if (needed) expect(schema).not.toHaveProperty('default');
  // Without a word, a switch is off.
  const { default: given = false } = schema;
  const fallback = given === false ? [] : [given].flat().map(String);
  for (const value of fallback) expect(words).toContain(`Default: ${value}`);
  // A value stands there as it must be given.
  const values = (schema['enum'] ?? []) as string[];
  for (const value of values)
    if (words.toLowerCase().startsWith(`${value}:`)) expect(words).toContain(`${value}:`);
  const digits = words.replaceAll(/(?<=\d),(?=\d{3})/g, '');
  for (const node of nodes(schema)) {
    for (const limit of ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems']) {
      if (node[limit] !== undefined) expect(digits, limit).toMatch(new RegExp(`\\b${node[limit]}\\b`));
    }
    expect(Object.keys(node)).not.toContain('exclusiveMinimum');
    expect(Object.keys(node)).not.toContain('exclusiveMaximum');
  }
  // Flat: a model fills in words, numbers and lists of words.
  expect(nodes(schema).filter(({ type }) => type === 'object')).toEqual([]);
});

test('no declaration names another tool: workflow belongs to the instructions', () => {
  for (const tool of declarations) {
    const text = JSON.stringify([tool.description, tool.inputSchema, tool.outputSchema]);
    for (const { name } of declarations) if (name !== tool.name) expect(text, tool.name).not.toContain(name);
  }
});

/** A schema and all schemas in it (not the properties' names). */
function nodes(schema: unknown): Record<string, unknown>[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const node = schema as Record<string, unknown>;
  const inner = [...Object.values((node['properties'] as object | undefined) ?? {}), node['items']];
  return [node, ...inner.flatMap(nodes)];
}
