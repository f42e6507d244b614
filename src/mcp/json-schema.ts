import { z } from 'zod';

/**
 * The JSON Schema of a tool's input or output, in keywords that every client understands: draft-07, flat, and without
 * bounds that say nothing new.
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
      // An input's description says the limits of a number too, and the call is checked: models pay for each keyword.
      if (io === 'input' || jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (io === 'input' || jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.type === 'object') jsonSchema.additionalProperties = false;
    },
  });
  return { ...json, type: 'object' };
}
