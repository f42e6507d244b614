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

test('the same tools, with the same hints, whoever asks', () => {
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
  for (const schema of [tool.inputSchema, tool.outputSchema]) {
    expect(schema?.type).toBe('object');
    for (const node of nodes(schema)) {
      for (const word of FORBIDDEN) expect(Object.keys(node), JSON.stringify(node)).not.toContain(word);
      if (node['type'] === 'object') expect(node['additionalProperties']).toBe(false);
    }
  }
  expect(Object.keys(tool.outputSchema?.properties ?? {})[0]).toBe('summary');
  for (const [name, parameter] of Object.entries(tool.inputSchema.properties ?? {})) {
    expect((parameter as { description?: string }).description, name).toBeTruthy();
  }
});

test('no declaration names another tool: flow stands in the instructions', () => {
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
