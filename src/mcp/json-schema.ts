import { z } from 'zod';

/**
 * The JSON Schema of a tool's input or output, in keywords that every client understands: draft-07, flat, and without
 * bounds that only say "a safe integer".
 * @throws if the schema uses what some clients drop or refuse: unions, tuples, records, patterns, `$ref`
 */
export function toJsonSchema(
  schema: z.ZodObject,
  io: 'input' | 'output',
): { type: 'object'; [keyword: string]: unknown } {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io,
    reused: 'inline',
    cycles: 'throw',
    unrepresentable: 'throw',
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.type === 'object') jsonSchema.additionalProperties = false;
    },
  });
  return { ...json, type: 'object' };
}
